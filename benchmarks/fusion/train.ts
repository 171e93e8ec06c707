// Trains one small network on generated posts and judges it on others.
import path from 'node:path';
import { architectureOf, completeConfig, composeConfig, preprocessingOf, trainConfigSchema } from '@crosscheck/config';
import { type Architecture, combineSeeds, createRandom } from '@crosscheck/contract';
import { createLoader, type Loader, readManifest } from '@crosscheck/data';
import {
  createAdamW,
  createModel,
  loadTextBackbone,
  loadVisionBackbone,
  type Model,
  oneCycle,
  type TrainingInput,
} from '@crosscheck/engine';
import { type Estimate, wilsonInterval } from '@crosscheck/evaluation';
import { loadTokenizer } from '@crosscheck/preprocess';
import { openTextBackbone, openVisionBackbone } from '@crosscheck/weights';
import { repositoryRoot } from '../machine.ts';

/** What a network may look at: one that sees a single part has learned vectors in the place of the other. */
export type Sight = 'both' | 'words' | 'picture';

export interface Variant {
  fusion: Architecture['fusion'];
  sight: Sight;
}

/** As the demo's: heads alone on frozen backbones, then everything. */
export interface Recipe {
  phases: readonly Phase[];
  batchSize: number;
  seed: number;
}

export interface Phase {
  epochs: number;
  learningRate: number;
  frozen: boolean;
}

const composed = composeConfig({
  configName: 'config',
  schema: trainConfigSchema,
  configDir: path.join(repositoryRoot, 'configs'),
  overrides: ['model=tiny', 'data=demo'],
});
const config = completeConfig(composed.config);
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

function asSeen<T extends { size: number }>(batch: T, sight: Sight): T {
  const none = new Float32Array(batch.size);
  return { ...batch, ...(sight === 'words' && { hasImage: none }), ...(sight === 'picture' && { hasText: none }) };
}

/** Steps of one phase. */
export function createTrainer(model: Model, totalSteps: number, { learningRate: maxLr, frozen }: Phase) {
  const optimizer = createAdamW();
  const schedule = oneCycle({ maxLr, totalSteps });
  const freeze = { vision: frozen, text: frozen };
  let step = 0;
  return {
    step(input: TrainingInput): void {
      const { gradients, ...rest } = model.computeGradients(input, { seed: combineSeeds(totalSteps, step), freeze });
      optimizer.step(model.variables, gradients, { ...schedule(step++), clipNorm: 1 });
      rest.dispose();
    },
    close: () => optimizer.dispose(),
  };
}

/** Accuracy on the test posts, with Wilson's 95 % interval. */
export async function trainAndJudge(dir: string, variant: Variant, recipe: Recipe): Promise<Estimate> {
  const model = await openModel(variant, recipe.seed);
  const train = await openPosts(dir, 'train', recipe);
  for (const phase of recipe.phases) {
    const trainer = createTrainer(model, phase.epochs * train.batchesPerEpoch, phase);
    const source = phase.frozen && variant.fusion !== 'cross_attention' ? await encodeOnce(model, train) : train;
    for (let epoch = 0; epoch < phase.epochs; epoch++) {
      for await (const batch of source.batches(epoch)) trainer.step(asSeen(batch, variant.sight));
    }
    trainer.close();
  }
  await train.close();
  const accuracy = await judge(model, dir, variant, recipe);
  model.dispose();
  return accuracy;
}

interface Source {
  batches(epoch: number): AsyncIterable<TrainingInput> | Iterable<TrainingInput>;
}

/** The same batches in another order in every epoch, as features of the frozen backbones. */
async function encodeOnce(model: Model, loader: Loader): Promise<Source> {
  const encoded: TrainingInput[] = [];
  for await (const batch of loader.batches(0)) {
    encoded.push({ size: batch.size, label: batch.label, features: model.encode(batch) });
  }
  return { batches: (epoch) => createRandom('order of features', epoch).shuffle([...encoded]) };
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
