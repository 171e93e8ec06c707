// Trains the heads of one network on features, with one thing changed.
import { combineSeeds, createRandom } from '@crosscheck/contract';
import { createAdamW, type Features, type Model, oneCycle } from '@crosscheck/engine';
import { computeMetrics } from '@crosscheck/evaluation';
import type { Row } from '../results.ts';
import { concatenate, type Encoded, openNetwork } from './features.ts';
import { type Pair, postsOf, type Recipe } from './posts.ts';
import type { Sources } from './sources.ts';
import type { Stamp } from './stamps.ts';

type Weights = 'real' | 'random';

interface HeadVariant {
  overrides?: readonly string[];
  vision?: Weights;
  text?: Weights;
  pooling?: 'cls' | 'mean';
  /** Augmented views that are shown in turn; without, the pictures as they are. */
  views?: number;
}

export const headVariants: Record<string, HeadVariant> = {
  'as it is': {},
  'random backbones': { vision: 'random', text: 'random' },
  'random vision': { vision: 'random' },
  'random text': { text: 'random' },
  'text mean': { pooling: 'mean' },
  compare: { overrides: ['model.fusion=compare'] },
  gated: { overrides: ['model.fusion=gated'] },
  bilinear: { overrides: ['model.fusion=bilinear'] },
  'compare, text mean': { pooling: 'mean', overrides: ['model.fusion=compare'] },
  'bilinear, text mean': { pooling: 'mean', overrides: ['model.fusion=bilinear'] },
  'no dropout': { overrides: ['model.dropout_rate=0', 'model.projection_dropout=0'] },
  'dropout 0.5': { overrides: ['model.dropout_rate=0.5', 'model.projection_dropout=0.5'] },
  '1 augmented view': { views: 1 },
  '2 augmented views': { views: 2 },
  '4 augmented views': { views: 4 },
};

export interface Task extends Recipe {
  variant: string;
  epochs: number;
  seed: number;
}

interface Given {
  stamps: readonly Stamp[];
  features: Record<Weights, Encoded>;
  sources: Sources;
}

const [batchSize, maxLr] = [32, 1e-3];

/** Backbones that nobody runs: as wide as Lite0 and MiniLM at their ends, and as small as they can be before. */
const noBackbones = [
  'model.vision.weights=null',
  'model.vision.stages=[{expand:1,channels:8,repeats:1,stride:2,kernel:3}]',
  'model.text.weights=null',
  'model.text.layers=1',
  'model.text.feed_forward_size=8',
  'model.text.vocab_size=8',
];

export async function trainHeads(task: Task, { stamps, features, sources }: Given): Promise<Row> {
  const {
    overrides = [],
    vision = 'real',
    text = 'real',
    pooling = 'cls',
    views = 0,
  } = headVariants[task.variant] as HeadVariant;
  const { model } = await openNetwork(sources, [...noBackbones, ...overrides, `training.seed=${task.seed}`]);
  const { image } = features[vision];
  const gather = gatherer(stamps, features[text].text[pooling]);
  const plain = (pairs: readonly Pair[]) => gather(pairs, () => image[0] as Float32Array);
  const [train, test] = [postsOf(stamps, task, 'train'), postsOf(stamps, task, 'test')];
  learn(model, task, train, (pairs, epoch) =>
    views === 0 ? plain(pairs) : gather(pairs, (row) => image[1 + ((row + epoch) % views)] as Float32Array),
  );
  const [seen, unseen] = [train, test].map((pairs) => judge(model, pairs, plain(pairs)));
  model.dispose();
  const { difficulty, variant, split, seed, rounds, epochs } = task;
  const figures = { accuracy: unseen?.accuracy ?? 0, rocAuc: unseen?.rocAuc ?? 0, trainAccuracy: seen?.accuracy ?? 0 };
  const counts = { trainPosts: train.length, testPosts: test.length };
  return { difficulty, variant, split: split + 1, seed, ...figures, ...counts, rounds, epochs };
}

type Gather = (pairs: readonly Pair[], imageOf: (row: number) => Float32Array) => Features;

/** The features of posts; a picture's come from the view that its row says. */
function gatherer(stamps: readonly Stamp[], texts: Float32Array): Gather {
  const rowOf = new Map(stamps.map((stamp, row) => [stamp, row]));
  const pick = (stamp: Stamp, all: Float32Array) => {
    const width = all.length / stamps.length;
    const row = rowOf.get(stamp) as number;
    return all.subarray(row * width, (row + 1) * width);
  };
  return (pairs, imageOf) => ({
    vision: concatenate(pairs.map(({ image }) => pick(image, imageOf(rowOf.get(image) as number)))),
    text: concatenate(pairs.map(({ text }) => pick(text, texts))),
  });
}

const labelsOf = (pairs: readonly Pair[]) => Float32Array.from(pairs, ({ label }) => label);

// oxlint-disable-next-line max-params -- what learns, how long, on what
function learn(
  model: Model,
  { epochs, seed }: Task,
  posts: readonly Pair[],
  featuresOf: (pairs: readonly Pair[], epoch: number) => Features,
): void {
  const optimizer = createAdamW();
  const schedule = oneCycle({ maxLr, totalSteps: epochs * Math.ceil(posts.length / batchSize) });
  let step = 0;
  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = createRandom('order', seed, epoch).shuffle([...posts]);
    for (let at = 0; at < order.length; at += batchSize) {
      const batch = order.slice(at, at + batchSize);
      const input = { size: batch.length, label: labelsOf(batch), features: featuresOf(batch, epoch) };
      const freeze = { vision: true, text: true };
      const { gradients, ...rest } = model.computeGradients(input, { seed: combineSeeds(seed, step), freeze });
      optimizer.step(model.variables, gradients, { ...schedule(step++), clipNorm: 1 });
      rest.dispose();
    }
  }
  optimizer.dispose();
}

function judge(model: Model, pairs: readonly Pair[], features: Features): { accuracy: number; rocAuc: number } {
  const logits = model.predictLogitsFromFeatures({ size: pairs.length, features });
  const probabilities = Float64Array.from(logits, (logit) => 1 / (1 + Math.exp(-logit)));
  const { accuracy, rocAuc } = computeMetrics(probabilities, labelsOf(pairs), 0.5);
  return { accuracy: Number(accuracy.toFixed(4)), rocAuc: Number(rocAuc.toFixed(4)) };
}
