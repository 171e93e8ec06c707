import type { Artifact } from '@crosscheck/contract';
import { bootstrapIntervals } from '@crosscheck/evaluation';
import { type Classifier, openClassifier, type Prediction } from '@crosscheck/inference';
import type { ComparedPost } from './compare-artifacts.ts';
import { encodePng } from './encode-png.ts';

const batchSize = 8;
const [width, height] = [48, 36];

/** The value of a colour at a place. */
type Draw = (x: number, y: number, colour: number) => number;

/** Slopes of a colour each, so that turning, cropping and swapping channels show. */
const slopes: Draw = (x, y, colour) => [5 * x, 7 * y, 2 * (x + y)][colour] as number;
const waves: Draw = (x, y, colour) => 127 + 120 * Math.sin((x * (colour + 1) + y) / 3);
const squares: Draw = (x, y, colour) => (((x >> 2) + (y >> 2) + colour) % 2) * 200 + 20;
/** Something else in every pixel. */
const noise: Draw = (x, y, colour) => ((x * 7919 + y * 104_729 + colour * 1_299_709) * 31) % 256;

const letters = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** Fixed posts: a usual one first, a blank one, one longer than any network reads, and one of every letter and digit. */
const samples: { text: string; draw: Draw }[] = [
  { text: 'A flood in the city, 2024', draw: slopes },
  { text: '', draw: waves },
  {
    text: 'Wildfire burns near the river, and crowds at the night market of 1987 say that snow covers it. '.repeat(20),
    draw: squares,
  },
  { text: Array.from(letters).join(' '), draw: noise },
];

function drawPicture(draw: Draw): Buffer {
  const pixels = Uint8Array.from({ length: 3 * width * height }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    return draw(x, y, i % 3);
  });
  return Buffer.from(encodePng(pixels, width));
}

/** What a finished artifact folder gives when it is served. */
export interface Measured {
  /** Fixed posts and their logits, for whoever serves the folder to compare. */
  selfCheck: NonNullable<Artifact['selfCheck']>;
  /** Without labelled posts of both kinds there is none. */
  evaluation?: NonNullable<Artifact['evaluation']>;
}

/**
 * Lets an artifact folder judge fixed posts, and posts whose labels are known.
 *
 * @throws what `openClassifier` and `classify` throw
 */
export async function measureFolder(dir: string, posts: readonly ComparedPost[]): Promise<Measured> {
  const classifier = await openClassifier(dir, { workers: 1, maxBatch: batchSize, verifyHashes: false });
  try {
    const [usual, ...more] = (await judgeSamples(classifier)) as [SelfCheckSample, ...SelfCheckSample[]];
    const evaluation = await evaluate(classifier, posts);
    return { selfCheck: { ...usual, more }, ...(evaluation && { evaluation }) };
  } finally {
    await classifier.close();
  }
}

type SelfCheckSample = Omit<Measured['selfCheck'], 'more'>;

async function judgeSamples(classifier: Classifier): Promise<SelfCheckSample[]> {
  const posts = samples.map(({ text, draw }) => ({ text, image: drawPicture(draw) }));
  const predictions = await classifier.classify(posts);
  return posts.map(({ text, image }, i) => ({
    text,
    image: image.toString('base64'),
    logit: (predictions[i] as Prediction).logit,
  }));
}

/** Posts that cannot be judged are left out; the number of the others stands beside the metrics. */
async function evaluate(
  classifier: Classifier,
  posts: readonly ComparedPost[],
): Promise<Artifact['evaluation'] | null> {
  const labelled = posts.filter(({ label }) => label !== null);
  const judged: { label: number; probability: number }[] = [];
  for (let start = 0; start < labelled.length; start += 4 * batchSize) {
    const part = labelled.slice(start, start + 4 * batchSize);
    const verdicts = await Promise.allSettled(part.map((post) => classifier.classify([post])));
    verdicts.forEach((verdict, i) => {
      if (verdict.status === 'rejected') return;
      const [{ probabilityFake: probability }] = verdict.value as [Prediction];
      judged.push({ label: part[i]?.label as number, probability });
    });
  }
  if (new Set(judged.map(({ label }) => label)).size < 2) return null;
  const { threshold } = classifier;
  const probabilities = judged.map(({ probability }) => probability);
  const estimates = bootstrapIntervals(
    probabilities,
    judged.map(({ label }) => label),
    { threshold },
  );
  const metrics = Object.entries(estimates).filter(([, { value, low, high }]) =>
    [value, low, high].every(Number.isFinite),
  );
  return { posts: judged.length, metrics: Object.fromEntries(metrics) };
}
