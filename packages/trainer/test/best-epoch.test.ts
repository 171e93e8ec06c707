import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { isBetterEpoch } from '@crosscheck/evaluation';
import { temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EpochRecord } from '../src/loop/history.ts';
import { isWorthReturning } from '../src/run/open-phase.ts';
import { bestBefore } from '../src/run/run-all.ts';
import { openTrainingState } from '../src/run/training-state.ts';
import { makePosts, testFolder } from './support/posts.ts';
import { epochLines } from './support/read-run.ts';
import { shortRun, trainHere } from './support/run-train.ts';

// Which epoch is the best, and what the next phase begins from.
const choice = { metric: 'val/accuracy', min_delta: 0.001 };

/** Epochs as [phase, accuracy, loss]. */
const history = (...rows: [number, number, number][]): EpochRecord[] =>
  rows.map(([phaseIndex, accuracy, loss], i) => ({
    phase: `phase ${phaseIndex}`,
    phaseIndex,
    epoch: i + 1,
    step: i + 1,
    seconds: 1,
    metrics: { 'val/accuracy': accuracy, 'val/loss': loss },
  }));

/** The epoch that a run keeps. */
function bestOf(records: readonly EpochRecord[]): number {
  const best = records.reduce((a, b) => (isBetterEpoch(choice.metric, b.metrics, a.metrics) ? b : a));
  return best.epoch;
}

const goesBack = (records: EpochRecord[]) => isWorthReturning(records, { epoch: bestOf(records) }, choice);

describe('the best of epochs with the same accuracy', () => {
  it('is that of the lowest validation loss', () => {
    expect(bestOf(history([0, 0.5083, 0.693], [0, 0.5083, 0.691], [0, 0.5083, 0.688]))).toBe(3);
    expect(bestOf(history([0, 0.5, 0.69], [0, 0.5, 0.6], [0, 0.5, 0.7]))).toBe(2);
    expect(bestOf(history([0, 0.5, 0.69], [0, 0.5, 0.69]))).toBe(1);
    expect(bestOf(history([0, 0.6, 2], [0, 0.5, 0.1]))).toBe(1);
  });
});

describe('a new phase', () => {
  it.each<[string, [number, number, number][], boolean]>([
    [
      'an epoch of more accuracy than the last',
      [
        [0, 0.9, 0.3],
        [0, 0.8, 0.4],
      ],
      true,
    ],
    [
      'one of the same accuracy and clearly less loss',
      [
        [0, 0.9, 0.3],
        [0, 0.9, 0.4],
      ],
      true,
    ],
  ])('goes back to %s', (_, rows, expected) => {
    expect(goesBack(history(...rows))).toBe(expected);
  });

  it.each<[string, [number, number, number][]]>([
    [
      'accuracy stood still while the loss fell',
      [
        [0, 0.5083, 0.693],
        [0, 0.5083, 0.69],
      ],
    ],
    [
      'accuracy stood still and the loss with it',
      [
        [0, 0.5083, 0.693],
        [0, 0.5083, 0.6935],
      ],
    ],
    [
      'the last epoch is the best',
      [
        [0, 0.7, 0.6],
        [0, 0.8, 0.5],
      ],
    ],
    [
      'the phase had nothing better than the one before',
      [
        [0, 0.9, 0.3],
        [1, 0.7, 0.6],
        [1, 0.8, 0.5],
      ],
    ],
  ])('goes on from the last state when %s', (_, rows) => {
    expect(goesBack(history(...rows))).toBe(false);
  });
});

describe('a run in two phases', () => {
  const root = temporaryFolder();
  const posts = path.join(root.dir, 'posts');
  beforeAll(() => makePosts(posts));
  afterAll(root.remove);

  it('whose accuracy never moves does not go back to its first epoch', async () => {
    const dir = path.join(root.dir, 'still');
    const rate = 'learning_rate:0.00001';
    const own = [`training.phases=[{name:a,num_epochs:3,${rate}},{name:b,num_epochs:1,${rate}}]`];
    const { runDir, output } = await trainHere([...shortRun(posts, dir), ...own], { dir });
    const epochs = epochLines(runDir);
    expect(new Set(epochs.map((line) => line['val/accuracy']))).toEqual(new Set([0.5]));
    const losses = epochs.map((line) => line['val/loss'] as number);
    expect(losses[2]).toBeLessThan(losses[0] as number);
    expect(output).not.toContain('going on from epoch 1');
    expect(output).toContain('going on from epoch 3');
    const best = 1 + losses.indexOf(Math.min(...losses));
    expect(output).toContain(`in epoch ${best})`);
    const state = await openTrainingState(path.join(runDir, 'training_state.safetensors'));
    await state.close();
    expect(state.description.best).toMatchObject({ epoch: best, loss: losses[best - 1] });
  });

  it('goes on from a state of an earlier version, whose best epoch has no loss: the history has it', async () => {
    const dir = path.join(root.dir, 'old');
    const { runDir } = await trainHere([...shortRun(posts, dir), 'training.num_epochs=1'], { dir });
    const file = path.join(runDir, 'training_state.safetensors');
    const opened = await openTrainingState(file);
    await opened.close();
    const { description } = opened;
    const old = { ...description, best: description.best && { ...description.best, loss: null } };
    expect(bestBefore(old)).toEqual(description.best);
    expect(description.best?.loss).toBe(epochLines(runDir)[0]?.['val/loss']);
    expect(bestBefore({ ...old, best: null })).toBeNull();
  });

  it.each([
    ['best.loss', (state: State) => delete state.best.loss],
    ['what steps came to', (state: State) => (state.point.totals = { lossSum: 0, logits: [], labels: [] })],
  ])('whose state was written before it had %s is opened', async (_, forget) => {
    const dir = testFolder();
    const { runDir } = await trainHere([...shortRun(posts, dir), 'training.num_epochs=1'], { dir });
    const file = path.join(runDir, 'training_state.safetensors');
    editState(file, forget);
    const old = await openTrainingState(file);
    await old.close();
    expect(old.description.point.totals).toMatchObject({ losses: [], gradientNorms: [], skipped: 0 });
    expect(bestBefore(old.description)?.loss).toBeTypeOf('number');
    await trainHere([...shortRun(posts, dir), 'training.num_epochs=1', `training.resume=${runDir}`], { dir });
  });
});

/** Rewrites what a training state says beside its tensors: the header of a safetensors file is its length, then JSON. */
function editState(file: string, edit: (state: State) => unknown): void {
  const bytes = readFileSync(file);
  const end = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, end)) as { __metadata__: Record<string, string> };
  const state = JSON.parse(header.__metadata__['crosscheck_training_state'] as string) as State;
  edit(state);
  header.__metadata__['crosscheck_training_state'] = JSON.stringify(state);
  const json = Buffer.from(JSON.stringify(header));
  const padded = Buffer.concat([json, Buffer.alloc((8 - (json.length % 8)) % 8, ' ')]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  writeFileSync(file, Buffer.concat([length, padded, bytes.subarray(end)]));
}

interface State {
  best: { loss?: number };
  point: { totals: object };
}
