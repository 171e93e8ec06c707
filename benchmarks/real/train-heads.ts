// Trains the heads of one network on features, with one thing changed.
import { combineSeeds, createRandom } from '@crosscheck/contract';
import { createAdamW, type Features, type Model, oneCycle } from '@crosscheck/engine';
import { concatenate, type Encoded, openNetwork } from './features.ts';
import { type HeadVariant, headVariants, usualViews } from './head-variants.ts';
import { divide, type Pair, postsOf, type Recipe } from './posts.ts';
import type { Sources } from './sources.ts';
import type { Stamp } from './stamps.ts';
import { standardize } from './standardize.ts';

export interface Task extends Recipe {
  variant: string;
  epochs: number;
  seed: number;
}

/** A model's answers to the posts of one part, in their order. */
export interface Answers {
  /** The pictures' rows among all stamps: posts of one picture are not independent. */
  stamp: number[];
  label: number[];
  logit: number[];
}

export type Judged = Record<'train' | 'val' | 'test', Answers>;

interface Given {
  stamps: readonly Stamp[];
  features: Record<'real' | 'random', Encoded>;
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

export async function trainHeads(task: Task, given: Given): Promise<Judged> {
  const { stamps, sources } = given;
  const variant = headVariants[task.variant] as HeadVariant;
  const { model } = await openNetwork(sources, [
    ...noBackbones,
    ...(variant.overrides ?? []),
    `training.seed=${task.seed}`,
  ]);
  const { images, texts } = featuresOf(variant, given, rowsOf(stamps, divide(stamps, task.split).train));
  const gather = gatherer(stamps, texts);
  const plain = (pairs: readonly Pair[]) => gather(pairs, () => images[0] as Float32Array);
  const views = images.length - 1;
  const train = postsOf(stamps, task, 'train');
  learn(model, task, train, (pairs, epoch) =>
    views === 0 ? plain(pairs) : gather(pairs, (row) => images[1 + ((row + epoch) % views)] as Float32Array),
  );
  const judge = (pairs: readonly Pair[]): Answers => ({
    stamp: rowsOf(
      stamps,
      pairs.map(({ image }) => image),
    ),
    label: pairs.map(({ label }) => label),
    logit: [...model.predictLogitsFromFeatures({ size: pairs.length, features: plain(pairs) })],
  });
  const judged = {
    train: judge(train),
    val: judge(postsOf(stamps, task, 'val')),
    test: judge(postsOf(stamps, task, 'test')),
  };
  model.dispose();
  return judged;
}

/** @returns the pictures as they are, then their views; and the captions */
function featuresOf(
  { vision = 'real', text = 'real', pooling = 'cls', views, isStandardized = false }: HeadVariant,
  { features, stamps }: Given,
  measured: readonly number[],
): { images: Float32Array[]; texts: Float32Array } {
  const stampCount = stamps.length;
  const shown = views ?? (vision === 'random' ? 0 : usualViews);
  const images = features[vision].image.slice(0, 1 + shown);
  const texts = features[text].text[pooling];
  if (!isStandardized) return { images, texts };
  const scaled = (tables: readonly Float32Array[]) =>
    standardize({ tables, width: (tables[0] as Float32Array).length / stampCount, measured });
  return { images: scaled(images), texts: scaled([texts])[0] as Float32Array };
}

const rowsOf = (stamps: readonly Stamp[], chosen: readonly Stamp[]): number[] => {
  const rows = new Map(stamps.map((stamp, row) => [stamp, row]));
  return chosen.map((stamp) => rows.get(stamp) as number);
};

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
      const label = Float32Array.from(batch, (post) => post.label);
      const input = { size: batch.length, label, features: featuresOf(batch, epoch) };
      const freeze = { vision: true, text: true };
      const { gradients, ...rest } = model.computeGradients(input, { seed: combineSeeds(seed, step), freeze });
      optimizer.step(model.variables, gradients, { ...schedule(step++), clipNorm: 1 });
      rest.dispose();
    }
  }
  optimizer.dispose();
}
