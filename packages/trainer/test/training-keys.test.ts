import path from 'node:path';
import { createModel } from '@crosscheck/engine';
import { expectClose, repositoryRoot, temporaryFolder } from '@crosscheck/testkit';
import { openSafetensors } from '@crosscheck/weights';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stopEarly } from '../src/consumers/early-stopping.ts';
import type { TrainEvent } from '../src/loop/events.ts';
import { resolvePhases } from '../src/loop/phases.ts';
import { buildSchedule } from '../src/loop/schedule.ts';
import { resolveLoss } from '../src/loop/step/loss.ts';
import { openTrainingState } from '../src/run/training-state.ts';
import { makePosts } from './support/posts.ts';
import { stepLines } from './support/read-run.ts';
import { shortRun, trainHere } from './support/run-train.ts';
import { composeTiny, stepOn, stepOptions, tinyInput, tinyModelOptions, weightsOf } from './support/tiny-step.ts';

// What training.* changes, each key by itself, where no test of its own is about it.
const { dir, remove } = temporaryFolder();
beforeAll(() => makePosts(path.join(dir, 'posts')));
afterAll(remove);

/** The weights of the tiny network before and after some steps on changing batches. */
async function weightsAfter(steps: number, ...overrides: string[]) {
  const model = createModel(tinyModelOptions());
  const before = weightsOf(model);
  const options = stepOptions(model, 'training.learning_rate=0.01', ...overrides);
  for (let step = 0; step < steps; step++)
    await stepOn(options, [tinyInput(4, step)], { phaseStep: step, step, epoch: 0 });
  const after = weightsOf(model);
  options.optimizer.dispose();
  model.dispose();
  const of = (weights: Map<string, Float32Array>) => (name: string) => weights.get(name) as Float32Array;
  return { before: of(before), after: of(after) };
}

describe('the optimizer', () => {
  const [kernel, bias] = ['fusion.0.weight', 'fusion.0.bias'];
  const none = 'training.weight_decay=0';

  it('pulls weights towards 0 by learning rate times training.weight_decay', async () => {
    const plain = await weightsAfter(1, none);
    const decayed = await weightsAfter(1, 'training.weight_decay=0.1');
    const expected = plain.after(kernel).map((value, i) => value - 0.01 * 0.1 * (plain.before(kernel)[i] as number));
    expectClose(decayed.after(kernel), expected, { maxAbs: 1e-7 });
    expect(decayed.after(bias)).not.toEqual(plain.after(bias));
  });

  it('spares vectors with training.no_decay_on_bias_and_norm', async () => {
    const spared = await weightsAfter(1, 'training.weight_decay=0.1', 'training.no_decay_on_bias_and_norm=true');
    const plain = await weightsAfter(1, none);
    expect(spared.after(bias)).toEqual(plain.after(bias));
    expect(spared.after(kernel)).not.toEqual(plain.after(kernel));
  });

  it('of training.optimizer=adam adds the decay to the gradient, which decides its sign where it is 0', async () => {
    const words = 'text_branch.backbone.embeddings.word_embeddings.weight';
    const by = (name: string) => weightsAfter(1, 'training.weight_decay=0.1', `training.optimizer=${name}`);
    const [adam, adamw] = [await by('adam'), await by('adamw')];
    // The row of a word that no text has: Adam moves it by a whole learning rate, AdamW by the decay alone.
    const unused = (weights: Awaited<ReturnType<typeof weightsAfter>>) => {
      const used = new Set(tinyInput(4, 0).inputIds);
      const row = Array.from({ length: 64 }, (_, i) => i).findLast((id) => !used.has(id)) as number;
      return Math.abs((weights.after(words)[16 * row] as number) - (weights.before(words)[16 * row] as number));
    };
    expect(unused(adam)).toBeCloseTo(0.01, 4);
    expect(unused(adamw)).toBeLessThan(0.001);
  });

  it('with a large training.adam_epsilon takes small steps', async () => {
    const { before, after } = await weightsAfter(1, none, 'training.adam_epsilon=1');
    const moved = after(kernel).map((value, i) => Math.abs(value - (before(kernel)[i] as number)));
    expect(Math.max(...moved)).toBeGreaterThan(0);
    expect(Math.max(...moved)).toBeLessThan(0.005);
  });

  it.each(['training.adam_beta1=0.5', 'training.adam_beta2=0.9'])(
    '%s changes the second step, not the first',
    async (beta) => {
      const name = 'fusion.6.weight';
      const after = async (...run: Parameters<typeof weightsAfter>) => (await weightsAfter(...run)).after(name);
      expectClose(await after(1, none, beta), await after(1, none), { maxAbs: 1e-6 });
      expect(await after(2, none, beta)).not.toEqual(await after(2, none));
    },
  );
});

it.each([
  ['image', 'fusion.no_image'],
  ['text', 'fusion.no_text'],
])('hides pictures and words with training.modality_dropout: %s', async (part, vector) => {
  const learned = {
    ...tinyModelOptions(),
    architecture: { ...tinyModelOptions().architecture, missingModality: 'learned' as const },
  };
  const model = createModel(learned);
  const before = weightsOf(model);
  const options = stepOptions(model, 'model.missing_modality=learned', `training.modality_dropout.${part}=1`);
  await stepOn(options, [tinyInput(4)], { phaseStep: 0, step: 0, epoch: 0 });
  const moved = [...weightsOf(model)].filter(([name, values]) => values.some((x, i) => x !== before.get(name)?.[i]));
  const backbone = part === 'image' ? 'vision_branch.' : 'text_branch.';
  expect(moved.map(([name]) => name).filter((name) => name.startsWith('fusion.no_'))).toEqual([vector]);
  // Nothing flows back into what was not looked at; AdamW's decay alone moves it.
  const gradients = model.computeGradients(
    { ...tinyInput(4), [part === 'image' ? 'hasImage' : 'hasText']: new Float32Array(4) },
    { seed: 1 },
  );
  const flown = [...gradients.gradients]
    .filter(([name]) => name.startsWith(backbone))
    .flatMap(([, gradient]) => [...gradient.dataSync()]);
  expect(flown.every((value) => value === 0)).toBe(true);
  gradients.dispose();
  options.optimizer.dispose();
  model.dispose();
});

describe('learning rates', () => {
  const history = (accuracies: number[]) =>
    accuracies.map((accuracy, i) => ({
      phase: 'p',
      phaseIndex: 0,
      epoch: i + 1,
      step: i,
      seconds: 1,
      metrics: { 'val/accuracy': accuracy },
    }));
  const rates = (overrides: string[], steps: number, accuracies: number[] = []) => {
    const { config, phase } = composeTiny('training.learning_rate=1', ...overrides);
    const schedule = buildSchedule(config, phase, 2, history(accuracies));
    return Array.from({ length: steps }, (_, step) => schedule(step).learningRate);
  };

  it('begin anew after training.restart_epochs, then training.restart_factor times as late', () => {
    const restarts = (...overrides: string[]) =>
      rates(['training.scheduler=cosine_restarts', ...overrides], 20).flatMap((rate, step) =>
        rate === 1 ? [step] : [],
      );
    expect(restarts()).toEqual([0, 2, 6, 14]);
    expect(restarts('training.restart_epochs=3')).toEqual([0, 6, 18]);
    expect(restarts('training.restart_factor=1')).toEqual([0, 2, 4, 6, 8, 10, 12, 14, 16, 18]);
  });

  it('fall by training.plateau_factor', () => {
    const plateau = ['training.scheduler=plateau', 'training.plateau_factor=0.5'];
    expect(rates(plateau, 1, [0.5, 0.5, 0.5])).toEqual([0.5]);
  });
});

describe('the loss', () => {
  it('takes its name, smoothing and focus from training.loss', () => {
    const loss = (...overrides: string[]) => resolveLoss(composeTiny(...overrides).config, []);
    expect(loss('training.loss.label_smoothing=0.2', 'training.loss.pos_weight=3')).toEqual({
      positiveWeight: 3,
      labelSmoothing: 0.2,
      focalGamma: 0,
    });
    expect(loss('training.loss.name=focal', 'training.loss.focal_gamma=1.5').focalGamma).toBe(1.5);
  });
});

describe('early stopping', () => {
  const stops = (losses: number[], ...overrides: string[]) => {
    const { phase } = composeTiny(...overrides.map((override) => `training.early_stopping.${override}`));
    const history = losses.map((loss, i) => ({
      phase: phase.name,
      phaseIndex: 0,
      epoch: i + 1,
      step: i,
      seconds: 1,
      metrics: { 'val/loss': loss, 'val/accuracy': 0.5 },
    }));
    return stopEarly(history).on({ kind: 'phase-start', phase } as TrainEvent) === 'stop-phase';
  };
  const falling = [0.9, 0.85, 0.8];

  it('waits for training.early_stopping.patience epochs, and only when it is enabled', () => {
    expect(stops(falling, 'patience=2')).toBe(true);
    expect(stops(falling, 'patience=3')).toBe(false);
    expect(stops(falling, 'patience=2', 'enabled=false')).toBe(false);
  });

  it('looks at training.early_stopping.metric, and at changes above min_delta', () => {
    expect(stops(falling, 'patience=2', 'metric=val/loss')).toBe(false);
    expect(stops(falling, 'patience=2', 'metric=val/loss', 'min_delta=0.2')).toBe(true);
  });
});

describe('a step', () => {
  it('is made of training.accumulate_steps batches, its gradient scaled down to training.clip_norm', async () => {
    const overrides = ['training.accumulate_steps=2', 'training.clip_norm=1e-12', 'training.weight_decay=0'];
    const { runDir } = await trainHere(
      [...shortRun(path.join(dir, 'posts'), dir), ...overrides, 'training.num_epochs=1'],
      {
        dir,
      },
    );
    expect(stepLines(runDir).map((line) => line['train/batch_size'])).toEqual([32, 32]);
    // So small a gradient is nothing beside Adam's epsilon: the weights stay those that training began with.
    const [state, start] = await Promise.all(
      [path.join(runDir, 'training_state.safetensors'), path.join(repositoryRoot, 'assets/tiny/text.safetensors')].map(
        (file) => openSafetensors(file),
      ),
    );
    const [after, before] = [
      await state?.read('model/text_branch.backbone.transformer.layer.0.ffn.lin1.weight'),
      await start?.read('transformer.layer.0.ffn.lin1.weight'),
    ];
    await Promise.all([state?.close(), start?.close()]);
    expectClose(after as Float32Array, before as Float32Array, { maxAbs: 1e-6 });
  });
});

it('training.mixed_precision rounds the products of the text backbone', async () => {
  const runWith = async (mixed: boolean) => {
    const own = path.join(dir, `mixed ${mixed}`);
    const overrides = ['training.num_steps=1', `training.mixed_precision=${mixed}`];
    const run = await trainHere([...shortRun(path.join(dir, 'posts'), own), ...overrides], { dir: own });
    return { ...run, loss: stepLines(run.runDir)[0]?.['train/loss_step'] as number };
  };
  const [exact, mixed] = [await runWith(false), await runWith(true)];
  expect(mixed.loss).not.toBe(exact.loss);
  expect(mixed.loss).toBeCloseTo(exact.loss, 3);
  expect(mixed.output).toContain('bfloat16');
  expect(exact.output).not.toContain('bfloat16');
});

describe('the state of a run', () => {
  it('is saved every training.save_every_steps inside an epoch', async () => {
    const stepSaved = async (every: string) => {
      const own = path.join(dir, `every ${every}`);
      // The first step makes weights so large that no other can be taken: the run ends in mid-epoch.
      const diverging = ['training.learning_rate=1e30', 'training.use_scheduler=false', 'training.max_skipped_steps=1'];
      const overrides = [...shortRun(path.join(dir, 'posts'), own), ...diverging, `training.save_every_steps=${every}`];
      await expect(trainHere(overrides, { dir: own })).rejects.toThrow('in a row');
      const state = await openTrainingState(path.join(own, 'run', 'training_state.safetensors'));
      await state.close();
      return state.description.point.position.step;
    };
    expect(await stepSaved('null')).toBe(0);
    expect(await stepSaved('1')).toBe(1);
  });
});

it('phases take what they leave out from training.* and model.*', () => {
  const { config } = composeTiny(
    'training.phases={a:{},b:{batch_size:3,optimizer_state:keep}}',
    'training.batch_size=5',
  );
  expect(resolvePhases(config).map(({ batchSize, optimizerState }) => [batchSize, optimizerState])).toEqual([
    [5, 'reset'],
    [3, 'keep'],
  ]);
});
