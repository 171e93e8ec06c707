import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { temporaryFolder } from '@crosscheck/testkit';
import { openCheckpoint } from '@crosscheck/weights';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTrainingState } from '../src/run/training-state.ts';
import { copyPosts, makePosts, testFolder, trainCsv } from './support/posts.ts';
import {
  bestCheckpoint,
  changedTensors,
  epochLines,
  type MetricsLine,
  readBits,
  readMetrics,
  stepLines,
  stepLosses,
  withoutTimes,
} from './support/read-run.ts';
import { shortRun, type TrainedRun, trainHere } from './support/run-train.ts';

const root = temporaryFolder();
const posts = path.join(root.dir, 'posts');
let plain: TrainedRun;
let plainDir: string;

beforeAll(async () => {
  await makePosts(posts);
  plainDir = path.join(root.dir, 'plain');
  plain = await trainHere([...shortRun(posts, plainDir), 'training.report=true'], { dir: plainDir });
});
afterAll(root.remove);

const train = (dir: string, ...overrides: string[]) => trainHere([...shortRun(posts, dir), ...overrides], { dir });

describe('a run', () => {
  it('leaves metrics, plots, the report and its state in the run folder, and the best checkpoint in its own', () => {
    const files = readdirSync(plain.runDir);
    expect(files).toEqual(
      expect.arrayContaining([
        'confusion_matrix_1.8.png',
        'metrics.jsonl',
        'network.txt',
        'report.html',
        'training_curves_1.8.png',
        'training_state.safetensors',
      ]),
    );
    for (const name of files.filter((file) => file.endsWith('.png'))) {
      expect(readFileSync(path.join(plain.runDir, name)).subarray(1, 4).toString()).toBe('PNG');
    }
    expect(readdirSync(plain.checkpointDir)).toEqual(['best_model_1.8.safetensors']);
    const report = readFileSync(path.join(plain.runDir, 'report.html'), 'utf8');
    expect(report).toContain('version 1.8');
    expect(report).not.toMatch(/(src|href)="https?:/);
  });

  it('writes a line per step and per epoch, in order', () => {
    const lines = readMetrics(plain.runDir);
    expect(lines.map(({ epoch, step }) => (epoch === undefined ? step : `epoch ${epoch}`))).toEqual([
      1,
      2,
      3,
      4,
      'epoch 1',
      5,
      6,
      7,
      8,
      'epoch 2',
    ]);
    for (const line of stepLines(plain.runDir)) {
      expect(line).toMatchObject({
        phase: 'finetune',
        'train/batch_size': 16,
        'train/loss_step': expect.any(Number),
        'train/learning_rate': expect.any(Number),
      });
      expect(line['train/step_seconds']).toBeGreaterThan(0);
    }
    for (const line of epochLines(plain.runDir)) {
      for (const split of ['train', 'val']) {
        for (const metric of ['loss', 'accuracy', 'f1', 'auc'])
          expect(line).toHaveProperty([`${split}/${metric}`], expect.any(Number));
      }
    }
  });

  it('follows torch’s OneCycle over all of its steps', () => {
    const rates = stepLines(plain.runDir).map((line) => line['train/learning_rate'] as number);
    // 8 steps rise over no whole step: the first is the peak, the last 1 / 250,000 of it.
    expect(rates[0]).toBeCloseTo(0.002, 12);
    expect(rates.at(-1)).toBeCloseTo(0.002 / 25 / 1e4, 15);
    expect(rates).toEqual([...rates].sort((a, b) => b - a));
  });

  it('writes a checkpoint that says how it was made', async () => {
    const checkpoint = await openCheckpoint(bestCheckpoint(plain.checkpointDir));
    const { metadata } = checkpoint;
    await checkpoint.close();
    // Of epochs of the same accuracy the one with the lower loss.
    const [best] = epochLines(plain.runDir).toSorted(
      (a, b) =>
        (b['val/accuracy'] as number) - (a['val/accuracy'] as number) ||
        (a['val/loss'] as number) - (b['val/loss'] as number),
    ) as [MetricsLine];
    expect(metadata).toMatchObject({
      version: '1.8',
      labels: { 0: 'REAL', 1: 'FAKE' },
      preprocessing: { imageSize: 64, maxTokens: 32 },
      epoch: best.epoch,
      step: best.step,
      runId: null,
      metrics: { 'val/accuracy': best['val/accuracy'], 'val/loss': best['val/loss'] },
    });
    expect(JSON.parse(metadata?.tokenizer ?? '')).toHaveProperty('model.vocab');
    expect(metadata?.config).toMatchObject({ model: { name: 'tiny' }, training: { num_epochs: 2 } });
    expect(metadata?.configOrigins['training.learning_rate']).toBe('override training.learning_rate=0.002');
  });

  it('reports the metrics of its best epoch', () => {
    const values = epochLines(plain.runDir).map((line) => line['val/accuracy'] as number);
    expect(plain.result.metrics?.['val/accuracy']).toBe(Math.max(...values));
    expect(plain.output).toContain(path.join('checkpoints', 'best_model_1.8.safetensors'));
  });

  it('is the same bit for bit with the same seed, with and without worker threads', async () => {
    const dir = testFolder();
    const again = await train(dir, 'training.num_workers=2');
    expect(withoutTimes(readMetrics(again.runDir))).toEqual(withoutTimes(readMetrics(plain.runDir)));
    const [first, second] = [bestCheckpoint(plain.checkpointDir), bestCheckpoint(again.checkpointDir)];
    expect(await readBits(second)).toEqual(await readBits(first));
  });

  it('is another one with another seed', async () => {
    const other = await train(testFolder(), 'training.seed=43', 'training.num_epochs=1');
    expect(stepLosses(other.runDir)[0]).not.toBe(stepLosses(plain.runDir)[0]);
  });

  it('stops after training.num_steps, and still validates and keeps a checkpoint', async () => {
    const { runDir, checkpointDir } = await train(testFolder(), 'training.num_steps=2');
    expect(readMetrics(runDir).map(({ step, epoch }) => [step, epoch])).toEqual([
      [1, undefined],
      [2, undefined],
      [2, 1],
    ]);
    expect(existsSync(bestCheckpoint(checkpointDir))).toBe(true);
  });

  it('keeps a checkpoint every save_frequency epochs', async () => {
    const { checkpointDir } = await train(
      testFolder(),
      'training.num_epochs=3',
      'training.save_frequency=2',
      'training.version=a',
    );
    expect(readdirSync(checkpointDir).toSorted()).toEqual([
      'best_model_a.safetensors',
      'model_a_epoch_002.safetensors',
    ]);
  });

  it('stops early when the watched metric stands still', async () => {
    // A rate that changes nothing visible: the metric of epoch 1 is never improved on.
    const { runDir, output } = await train(
      testFolder(),
      'training.num_epochs=9',
      'training.learning_rate=1e-12',
      'training.early_stopping.patience=2',
    );
    expect(epochLines(runDir)).toHaveLength(3);
    expect(output).toContain('phase finetune ended: early stopping');
  });
});

const twoPhases = (frozen: string, finetune: string) =>
  `training.phases={frozen:{num_epochs:2,freeze_vision:true,freeze_text:true,augmentation:false${frozen}},finetune:{num_epochs:1,learning_rate:0.0005${finetune}}}`;

describe('phases', () => {
  it('run one after the other, steps and epochs counted through', async () => {
    const { runDir, output } = await train(testFolder(), twoPhases('', ''));
    expect(epochLines(runDir).map(({ phase, epoch, step }) => [phase, epoch, step])).toEqual([
      ['frozen', 1, 4],
      ['frozen', 2, 8],
      ['finetune', 3, 12],
    ]);
    expect(output).toMatch(/going on from epoch [12], the best so far/);
  });

  it('give what two runs give, the second from the first one’s checkpoint', async () => {
    const together = await train(testFolder(), twoPhases('', ''));
    const first = testFolder();
    const frozen = ['model.freeze_vision=true', 'model.freeze_text=true', 'data.augmentation.enabled=false'];
    await train(first, ...frozen, 'training.version=1.6');
    const checkpoints = path.join(first, 'checkpoints');
    const second = await trainHere(
      [
        ...shortRun(posts, testFolder()),
        `training.checkpoint_dir=${checkpoints}`,
        'model.load_model=true',
        'model.best_model_name=best_model_1.6.pth', // the name in the original's configs
        'training.num_epochs=1',
        'training.learning_rate=0.0005',
      ],
      { dir: testFolder() },
    );
    // Steps, and so dropout, are counted from 0 in the second run: only the rates and the starting point are the same.
    const rates = (runDir: string) => stepLines(runDir).map((line) => line['train/learning_rate']);
    expect(rates(second.runDir)).toEqual(rates(together.runDir).slice(8));
    expect(second.output).toContain(`weights: ${path.join(checkpoints, 'best_model_1.6.safetensors')}`);
  });

  it('refuse a starting checkpoint that is not there, and list what is', async () => {
    const dir = testFolder();
    renameSync(path.join(plainDir, 'checkpoints'), path.join(dir, 'checkpoints'));
    const attempt = train(dir, 'model.load_model=true', 'model.best_model_name=best_model_9.pth');
    await expect(attempt).rejects.toThrow(
      /Not found checkpoint .*best_model_9\.pth.*holds best_model_1\.8\.safetensors/,
    );
    renameSync(path.join(dir, 'checkpoints'), path.join(plainDir, 'checkpoints'));
  });

  it('leave weights and batch-norm statistics of frozen backbones bit-identical', async () => {
    const dir = testFolder();
    const { runDir } = await train(dir, 'model.freeze_vision=true', 'model.freeze_text=true', 'training.num_epochs=1');
    const { runDir: none } = await train(
      testFolder(),
      'training.num_steps=1',
      'training.learning_rate=1e-30',
      'training.weight_decay=0',
      'model.freeze_vision=true',
      'model.freeze_text=true',
    );
    const after = await readBits(path.join(runDir, 'training_state.safetensors'));
    const before = await readBits(path.join(none, 'training_state.safetensors'));
    const changed = changedTensors(before, after).filter((name) => name.startsWith('model/'));
    expect(changed.filter((name) => name.includes('.backbone.'))).toEqual([]);
    expect(changed.filter((name) => /^model\/(fusion|.*projection)/.test(name)).length).toBeGreaterThan(10);
  });

  it('let the statistics of frozen backbones drift as the original does, when told to', async () => {
    const { runDir } = await train(
      testFolder(),
      'model.freeze_vision=true',
      'model.freeze_text=true',
      'training.num_epochs=1',
      'training.frozen_batch_norm=update',
    );
    const { runDir: kept } = await train(
      testFolder(),
      'model.freeze_vision=true',
      'model.freeze_text=true',
      'training.num_epochs=1',
    );
    const [drifted, still] = await Promise.all(
      [runDir, kept].map((dir) => readBits(path.join(dir, 'training_state.safetensors'))),
    );
    const changed = changedTensors(still ?? {}, drifted ?? {}).filter((name) =>
      name.includes('vision_branch.backbone'),
    );
    expect(changed.length).toBeGreaterThan(0);
    expect(changed.every((name) => /running_(mean|var)$|num_batches_tracked$/.test(name))).toBe(true);
  });

  it('learn alike from cached features and from pixels', async () => {
    const frozen = [
      'model.freeze_vision=true',
      'model.freeze_text=true',
      'data.augmentation.enabled=false',
      'data.shuffle=false',
    ];
    const cached = await train(testFolder(), ...frozen);
    const pixels = await train(testFolder(), ...frozen, 'training.feature_cache.enabled=false');
    expect(cached.output).toContain('on features computed once');
    expect(pixels.output).not.toContain('on features computed once');
    const [a, b] = [stepLosses(cached.runDir), stepLosses(pixels.runDir)] as [number[], number[]];
    expect(a).toHaveLength(8);
    for (const [i, loss] of a.entries()) expect(Math.abs(loss - (b[i] as number))).toBeLessThan(1e-5);
  });

  it('keep the optimizer’s moments when told to', async () => {
    const phases = (second: string) =>
      `training.phases={a:{num_epochs:1,freeze_vision:true,freeze_text:true,augmentation:false},b:{num_epochs:1,num_steps:1,freeze_vision:true,freeze_text:true,augmentation:false${second}}}`;
    const stepsOf = async (second: string) => {
      const { runDir } = await train(testFolder(), phases(second));
      const state = await openTrainingState(path.join(runDir, 'training_state.safetensors'));
      await state.close();
      return state.description.optimizerSteps['fusion.0.weight'];
    };
    expect(await stepsOf('')).toBe(1);
    expect(await stepsOf(',optimizer_state:keep')).toBe(5);
  });

  it('learn with gradient accumulation: fewer steps of more posts', async () => {
    const { runDir } = await train(testFolder(), 'training.accumulate_steps=3', 'training.num_epochs=1');
    expect(stepLines(runDir).map((line) => line['train/batch_size'])).toEqual([48, 16]);
  });

  it('may have an early stopping of their own', async () => {
    const { runDir } = await train(
      testFolder(),
      'training.learning_rate=1e-12',
      'training.phases={a:{num_epochs:5,freeze_vision:true,freeze_text:true,augmentation:false,early_stopping:{patience:1}},b:{num_epochs:3,freeze_vision:true,freeze_text:true,augmentation:false}}',
    );
    expect(epochLines(runDir).map(({ phase }) => phase)).toEqual(['a', 'a', 'b', 'b', 'b']);
  });
});

describe('what a run says about itself', () => {
  it('ends with its speed, its wait for data and its memory', () => {
    expect(plain.output).toMatch(
      /phase finetune: [\d.]+ samples\/s over 128 samples in 8 steps, \d+\.\d % of the time waiting for data\npeak memory [\d.]+ GB/,
    );
  });

  it('has the network as a table and every parameter that learns in a file', () => {
    const table = readFileSync(path.join(plain.runDir, 'network.txt'), 'utf8');
    expect(table).toMatch(/vision_branch\.backbone\.features\.0 +\[B, 32, 32, 8\] +232\n/);
    expect(table).toContain('159,255 parameters, 159,255 trainable');
    expect(table).toMatch(/phase finetune: (\d+) of \1 parameter tensors learn/);
    expect(table).toContain('\n  fusion.6.bias\n');
  });
});

describe('debug configs', () => {
  it('overfit_batch brings the loss of one batch to almost nothing', async () => {
    const dir = testFolder();
    const { runDir, checkpointDir } = await trainHere(
      [...debugRun(dir), 'debug=overfit_batch', 'training.num_epochs=40'],
      { dir },
    );
    const losses = stepLosses(runDir) as number[];
    expect(losses[0]).toBeGreaterThan(0.5);
    expect(losses.at(-1)).toBeLessThan(0.02);
    expect(readdirSync(checkpointDir)).toEqual(['best_model_debug.safetensors']);
  });

  it('one_step takes one step, also of an experiment with phases', async () => {
    const dir = testFolder();
    const { runDir } = await trainHere([...debugRun(dir), 'experiment=demo', 'debug=one_step'], { dir });
    expect(stepLines(runDir)).toHaveLength(1);
    expect(epochLines(runDir)).toHaveLength(1);
  });

  it('limit trains one epoch on four posts', async () => {
    const dir = testFolder();
    const { runDir, output } = await trainHere([...debugRun(dir), 'debug=limit'], { dir });
    expect(output).toMatch(/train: 4 posts/);
    expect(epochLines(runDir)).toHaveLength(1);
    expect(stepLines(runDir).reduce((sum, line) => sum + (line['train/batch_size'] as number), 0)).toBe(4);
  });
});

/** Without the overrides of shortRun that the debug configs are about. */
function debugRun(dir: string): string[] {
  return [
    'model=tiny',
    'data=demo',
    `data.root_dir=${posts}`,
    'training.num_workers=0',
    `training.checkpoint_dir=${path.join(dir, 'checkpoints')}`,
    'mlflow.enabled=false',
    'training.report=false',
  ];
}

describe('class-balanced sampling', () => {
  it('shows as many FAKE as REAL posts, from pixels and from features', async () => {
    const data = copyPosts(posts);
    const [header, ...rows] = readFileSync(trainCsv(data), 'utf8').trimEnd().split('\n');
    const fake = rows.filter((row) => row.includes(',1,')).slice(0, 8);
    const real = rows.filter((row) => row.includes(',0,')).slice(0, 24);
    writeFileSync(trainCsv(data), [header, ...fake, ...real, ''].join('\n'));
    const frozen = ['model.freeze_vision=true', 'model.freeze_text=true', 'data.augmentation.enabled=false'];
    const own = ['training.class_balanced_sampling=true', 'training.num_epochs=1', 'training.batch_size=8', ...frozen];
    const runs = [];
    for (const cache of [true, false]) {
      const dir = testFolder();
      runs.push(await trainHere([...shortRun(data, dir), ...own, `training.feature_cache.enabled=${cache}`], { dir }));
    }
    const [features, pixels] = runs.map(({ runDir }) => stepLosses(runDir) as number[]);
    expect(features).toHaveLength(6); // 24 + 24 posts in batches of 8
    for (const [i, loss] of (features ?? []).entries()) expect(pixels?.[i]).toBeCloseTo(loss, 5);
  });
});
