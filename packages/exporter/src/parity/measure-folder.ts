import type { Artifact } from '@crosscheck/contract';
import { bootstrapIntervals } from '@crosscheck/evaluation';
import { type Classifier, openClassifier, type Prediction } from '@crosscheck/inference';
import type { ComparedPost } from './compare-artifacts.ts';
import { encodePng } from './encode-png.ts';

const batchSize = 8;
const sampleText = 'A flood in the city, 2024';
const [width, height] = [48, 36];
/** Slopes of a colour each, so that turning, cropping and swapping channels show. */
const samplePixels = Uint8Array.from({ length: 3 * width * height }, (_, i) => {
  const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
  return [5 * x, 7 * y, 2 * (x + y)][i % 3] as number;
});

/** What a finished artifact folder gives when it is served. */
export interface Measured {
  /** A fixed post and its logit, for whoever serves the folder to compare. */
  selfCheck: NonNullable<Artifact['selfCheck']>;
  /** Without labelled posts of both kinds there is none. */
  evaluation?: NonNullable<Artifact['evaluation']>;
}

/**
 * Lets an artifact folder judge a fixed post, and posts whose labels are known.
 *
 * @throws what `openClassifier` and `classify` throw
 */
export async function measureFolder(dir: string, posts: readonly ComparedPost[]): Promise<Measured> {
  const classifier = await openClassifier(dir, { workers: 1, maxBatch: batchSize, verifyHashes: false });
  try {
    const image = Buffer.from(encodePng(samplePixels, width));
    const [{ logit }] = (await classifier.classify([{ text: sampleText, image }])) as [Prediction];
    const selfCheck = { text: sampleText, image: image.toString('base64'), logit };
    const evaluation = await evaluate(classifier, posts);
    return { selfCheck, ...(evaluation && { evaluation }) };
  } finally {
    await classifier.close();
  }
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
