// Trains one small network on generated posts and judges it on others.
import path from 'node:path';
import { architectureOf, composeConfig, preprocessingOf, trainConfigSchema } from '@crosscheck/config';
import { type Architecture, type Batch, combineSeeds } from '@crosscheck/contract';
import { createLoader, type Loader, readManifest } from '@crosscheck/data';
import { type Estimate, wilsonInterval } from '@crosscheck/evaluation';
import {
  createAdamW,
  createModel,
  loadTextBackbone,
  loadVisionBackbone,
  type Model,
  oneCycle,
  openTextBackbone,
  openVisionBackbone,
} from '@crosscheck/model';
import { loadTokenizer } from '@crosscheck/preprocess';
import { repositoryRoot } from '../machine.ts';

/** What a network may look at: one that sees a single part has learned vectors in the place of the other. */
export type Sight = 'both' | 'words' | 'picture';

export interface Variant {
  fusion: Architecture['fusion'];
  sight: Sight;
}

export interface Recipe {
  epochs: number;
  batchSize: number;
  learningRate: number;
  seed: number;
}

const { config } = composeConfig({
  configName: 'config',
  schema: trainConfigSchema,
  configDir: path.join(repositoryRoot, 'configs'),
  overrides: ['model=tiny', 'data=demo'],
});
export const preprocessing = preprocessingOf(config);
const asset = (name: string) => path.join(repositoryRoot, 'assets/tiny', name);
export const tokenizer = await loadTokenizer(asset('tokenizer.json'), preprocessing);

export const architectureFor = ({ fusion, sight }: Variant): Architecture => ({
  ...architectureOf(config),
  fusion,
  missingModality: sight === 'both' ? 'none' : 'learned',
});

/** The small network on the backbones that the repository carries, which know the scenes and the words. */
export async function openModel(variant: Variant, seed: number): Promise<Model> {
  const architecture = architectureFor(variant);
  const dropout = { fusion: 0.1, projection: 0.1, text: 0.1, attention: 0.1, stochasticDepth: 0 };
  const model = createModel({ architecture, dropout, batchNormMomentum: 0.1, seed });
  const files = [
    [await openVisionBackbone(asset('vision.safetensors'), architecture.vision), loadVisionBackbone],
    [await openTextBackbone(asset('text.safetensors'), architecture.text), loadTextBackbone],
  ] as const;
  for (const [file, load] of files) {
    await load(model, file);
    await file.close();
  }
  return model;
}

/** Batches of a split of a folder that `pnpm data:demo` filled; decoded once, then kept. */
export async function openPosts(dir: string, split: 'train' | 'test', { batchSize, seed }: Recipe): Promise<Loader> {
  const { samples } = await readManifest({ file: path.join(dir, `${split}.csv`) });
  const shuffle = split === 'train';
  return createLoader({ samples, tokenizer, preprocessing, batchSize, shuffle, seed, augmentation: null });
}

function asSeen<T extends Batch>(batch: T, sight: Sight): T {
  const none = new Float32Array(batch.size);
  return { ...batch, ...(sight === 'words' && { hasImage: none }), ...(sight === 'picture' && { hasText: none }) };
}

/** One step; the gradients of everything. @returns the loss */
export function createTrainer(model: Model, totalSteps: number, { learningRate: maxLr, seed }: Recipe) {
  const optimizer = createAdamW();
  const schedule = oneCycle({ maxLr, totalSteps });
  let step = 0;
  return {
    step(batch: Batch): number {
      const { gradients, loss, ...rest } = model.computeGradients(batch, { seed: combineSeeds(seed, step) });
      optimizer.step(model.variables, gradients, { ...schedule(step++), clipNorm: 1 });
      rest.dispose();
      return loss;
    },
    close: () => optimizer.dispose(),
  };
}

/** Accuracy on the test posts, with Wilson's 95 % interval. */
export async function trainAndJudge(dir: string, variant: Variant, recipe: Recipe): Promise<Estimate> {
  const model = await openModel(variant, recipe.seed);
  const train = await openPosts(dir, 'train', recipe);
  const trainer = createTrainer(model, recipe.epochs * train.batchesPerEpoch, recipe);
  for (let epoch = 0; epoch < recipe.epochs; epoch++) {
    for await (const batch of train.batches(epoch)) trainer.step(asSeen(batch, variant.sight));
  }
  trainer.close();
  await train.close();
  const accuracy = await judge(model, dir, variant, recipe);
  model.dispose();
  return accuracy;
}

async function judge(model: Model, dir: string, { sight }: Variant, recipe: Recipe): Promise<Estimate> {
  const test = await openPosts(dir, 'test', recipe);
  let [right, total] = [0, 0];
  for await (const batch of test.batches(0)) {
    const logits = model.predictLogits(asSeen(batch, sight));
    right += logits.filter((logit, i) => logit > 0 === (batch.label[i] === 1)).length;
    total += batch.size;
  }
  await test.close();
  return wilsonInterval(right, total);
}
