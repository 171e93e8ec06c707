import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describeForeignCheckpoint } from '@crosscheck/config';
import { createModel } from '@crosscheck/engine';
import { tf } from '@crosscheck/tensorflow';
import { runEntry, temporaryFolder } from '@crosscheck/testkit';
import { openSafetensors } from '@crosscheck/weights';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keepCheckpoints } from '../src/consumers/checkpoints.ts';
import { divergedError } from '../src/loop/diverged.ts';
import type { EpochEvent } from '../src/loop/events.ts';
import { copyPosts, makePosts, testFolder } from './support/posts.ts';
import { bestCheckpoint } from './support/read-run.ts';
import { shortRun, trainHere } from './support/run-train.ts';
import { trainEntry } from './support/start-train.ts';
import { composeTiny, tinyModelOptions } from './support/tiny-step.ts';

// Every way in which numbers cease to be finite ends a run with the same code, and leaves no checkpoint that has them.
const root = temporaryFolder();
const posts = path.join(root.dir, 'posts');
beforeAll(() => makePosts(posts));
afterAll(root.remove);

async function weightsAreFinite(file: string): Promise<boolean> {
  const opened = await openSafetensors(file);
  try {
    for (const { name, dtype } of opened.tensors.values()) {
      if (dtype === 'F32' && !((await opened.read(name)) as Float32Array).every(Number.isFinite)) return false;
    }
    return true;
  } finally {
    await opened.close();
  }
}

describe('a run whose numbers cease to be finite', () => {
  it.each<[string, string[]]>([
    ['at a rate of a million', ['training.learning_rate=1e6']],
    ['without a scheduler', ['training.learning_rate=1e30', 'training.use_scheduler=false']],
    [
      'of one step an epoch',
      [
        'training.learning_rate=1e30',
        'training.use_scheduler=false',
        'training.batch_size=64',
        'training.num_epochs=4',
      ],
    ],
    [
      'in mixed precision',
      ['training.learning_rate=1e30', 'training.use_scheduler=false', 'training.mixed_precision=true'],
    ],
    ['without clipping', ['training.learning_rate=1e30', 'training.use_scheduler=false', 'training.clip_norm=null']],
    [
      'on features that are computed once',
      [
        'training.learning_rate=1e30',
        'training.use_scheduler=false',
        'model.freeze_vision=true',
        'model.freeze_text=true',
        'data.augmentation.enabled=false',
      ],
    ],
  ])('has diverged: %s', async (_, own) => {
    const dir = testFolder();
    await expect(trainHere([...shortRun(posts, dir), 'training.num_epochs=4', ...own], { dir })).rejects.toMatchObject({
      code: 'CROSSCHECK_TRAINING_DIVERGED',
      message: expect.stringMatching(
        /after step \d+ of phase \w+, in epoch \d+, .*finite loss.*training\.learning_rate.*it was /,
      ),
    });
    const file = bestCheckpoint(path.join(dir, 'checkpoints'));
    expect(!existsSync(file) || (await weightsAreFinite(file))).toBe(true);
  });

  it('ends the command with its code', async () => {
    const dir = testFolder();
    const own = ['training.learning_rate=1e30', 'training.use_scheduler=false'];
    const { code, stderr } = await runEntry(trainEntry, [...shortRun(posts, dir), ...own]);
    expect(code).toBe(1);
    expect(stderr).toContain('CROSSCHECK_TRAINING_DIVERGED');
  });

  it('never writes weights that are not finite as the best', async () => {
    const model = createModel(tinyModelOptions());
    const dir = testFolder();
    const phase = { name: 'finetune' };
    const writer = keepCheckpoints({
      model,
      dir,
      version: 'x',
      metric: 'val/accuracy',
      saveFrequency: 0,
      writes: true,
      best: null,
      describe: () => ({ ...describeForeignCheckpoint(composeTiny().config), architecture: model.architecture }),
      diverged: (what) =>
        divergedError(what, {
          phase,
          epoch: 3,
          step: 12,
          lastLoss: 0.69,
          learningRate: 7,
          clipNorm: null,
          mixedPrecision: true,
        }),
    });
    const [name, variable] = [...model.variables].find(([key]) => key === 'fusion.0.bias') as [string, tf.Variable];
    tf.tidy(() => variable.assign(tf.fill(variable.shape, Number.NaN)));
    const event = {
      kind: 'epoch',
      position: { totalEpochs: 3 },
      metrics: { 'val/accuracy': 0.9 },
    } as unknown as EpochEvent;
    await expect(writer.on(event)).rejects.toMatchObject({
      code: 'CROSSCHECK_TRAINING_DIVERGED',
      message:
        `the weights of ${name} after step 12 of phase finetune, in epoch 3, are not all finite; the last finite loss was 0.69; lower training.learning_rate or ` +
        "the phase's own (it was 7), set training.clip_norm=1.0, set training.mixed_precision=false, or look for bad samples. The last good checkpoint is kept",
    });
    expect(writer.best).toBeNull();
    expect(existsSync(path.join(dir, 'best_model_x.safetensors'))).toBe(false);
    model.dispose();
  });
});

it('a metric that validation cannot give is an error after the first epoch', async () => {
  const [dir, data] = [testFolder(), copyPosts(posts)];
  const val = path.join(data, 'val.csv');
  const [header = '', ...rows] = readFileSync(val, 'utf8').trimEnd().split('\n');
  writeFileSync(val, `${[header, ...rows.filter((row) => /,1(,|$)/.test(row))].join('\n')}\n`);
  const own = ['data.on_one_class=warn', 'training.early_stopping.metric=val/auc'];
  await expect(trainHere([...shortRun(data, dir), ...own], { dir })).rejects.toMatchObject({
    code: 'CROSSCHECK_TRAINING_NO_METRIC',
    message: expect.stringMatching(/metric=val\/auc.*got val\/loss, val\/accuracy/),
  });
});
