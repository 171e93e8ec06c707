import { type Freeze, nothingFrozen } from '@crosscheck/network';
import { tf } from '@crosscheck/tensorflow';
import { afterEach, expect, test } from 'vitest';
import {
  cosine,
  createAdam,
  createAdamW,
  createModel,
  loadWeights,
  type Optimizer,
  oneCycle,
  type Schedule,
} from '../src/index.ts';
import { readTorch } from '../src/parameters.ts';
import { formulaBatch, formulaCheckpoint, noDropout, sizes } from './formula.ts';
import { agreement, readGolden, vanishesInTheory } from './golden.ts';

const totalSteps = 20;
const lengths = [11, 7, 14, 9];

interface TrainingGolden {
  losses: number[];
  gradientNorms: number[];
  state: Record<string, number[]>;
}

interface Recipe {
  optimizer: Optimizer;
  schedule: Schedule;
  freeze?: Freeze;
}

/** The recipes of scripts/golden/training.py. */
const recipes: Record<string, () => Recipe> = {
  adamw_one_cycle: () => ({
    optimizer: createAdamW({ weightDecay: 0.01 }),
    schedule: oneCycle({ maxLr: 1e-3, totalSteps, pctStart: 0.1 }),
  }),
  adam_cosine: () => ({
    optimizer: createAdam({ weightDecay: 0.01 }),
    schedule: cosine({ maxLr: 5e-4, minLr: 1e-5, totalSteps }),
  }),
  frozen: () => ({
    optimizer: createAdamW({
      weightDecay: 0.1,
      beta1: 0.8,
      beta2: 0.99,
      epsilon: 1e-7,
      decays: (name) => !name.endsWith('.bias'),
      learningRateScale: (name) => (name.startsWith('text') ? 0.5 : 1),
    }),
    schedule: () => ({ learningRate: 2e-3 }),
    freeze: { vision: true, text: true },
  }),
};

const { architecture } = sizes.tiny;
const model = createModel({ architecture, dropout: noDropout, batchNormMomentum: 0.1, seed: 1 });
let optimizer: Optimizer | undefined;

afterEach(() => optimizer?.dispose());

test.each(Object.keys(recipes))('twenty steps are those of PyTorch: %s', async (name) => {
  const golden = readGolden<Record<string, TrainingGolden>>('training')[name] as TrainingGolden;
  const recipe = (recipes[name] as () => Recipe)();
  optimizer = recipe.optimizer;
  const { schedule, freeze = nothingFrozen } = recipe;
  model.batchesTracked.clear();
  await loadWeights(model, formulaCheckpoint(architecture));
  for (let step = 0; step < totalSteps; step++) {
    const batch = formulaBatch(sizes.tiny, lengths, `step${step}`);
    const result = model.computeGradients(batch, { seed: step, freeze, frozenBatchNorm: 'update' });
    const { gradientNorm } = optimizer.step(model.variables, result.gradients, { ...schedule(step), clipNorm: 1 });
    result.dispose();
    expect(Math.abs(result.loss / (golden.losses[step] as number) - 1), `loss of step ${step}`).toBeLessThan(1e-3);
    expect(Math.abs(gradientNorm / (golden.gradientNorms[step] as number) - 1), `norm of step ${step}`).toBeLessThan(
      1e-3,
    );
  }
  for (const [tensorName, expected] of Object.entries(golden.state)) {
    // Adam divides noise by its own size: such a parameter takes random steps of full length, in PyTorch too,
    // and the mean of what follows it moves along (and is subtracted again).
    const isNoise = freeze === nothingFrozen && vanishesInTheory(tensorName, true);
    if (isNoise) continue;
    const tolerance = freeze === nothingFrozen && tensorName.endsWith('running_mean') ? 1e-2 : 1e-3;
    const held = model.variables.get(tensorName) ?? (model.buffers.get(tensorName) as tf.Variable);
    const values = readTorch(held, model.tensors.get(tensorName) as NonNullable<ReturnType<typeof model.tensors.get>>);
    const { relative, norm } = agreement(tensorName, values, expected);
    expect(relative, tensorName).toBeLessThan(tolerance);
    expect(norm, tensorName).toBeLessThan(tolerance);
  }
  expect([...model.batchesTracked.values()].every((count) => count === totalSteps)).toBe(true);
});
