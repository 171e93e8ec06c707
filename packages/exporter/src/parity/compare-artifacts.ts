import type { LabelId } from '@crosscheck/contract';
import { compareOnSameRows, type Estimate } from '@crosscheck/evaluation';
import { openClassifier, type Prediction } from '@crosscheck/inference';
import { isClearlyChanged } from '../quantize/degrade.ts';

/** A post to compare on, with its label where that is known. */
export interface ComparedPost {
  text: string;
  image: string;
  label: LabelId | null;
}

export interface ComparisonReport {
  posts: number;
  meanProbabilityDifference: number;
  maxProbabilityDifference: number;
  /** Verdicts that differ. */
  changedVerdicts: number;
  /** Of those, the ones whose exact probability is further than 0.01 from the threshold. */
  clearlyChanged: number;
  /** Share of right verdicts, exact and compared; null without labels. */
  accuracy: { exact: number; compared: number } | null;
  /** The compared one minus the exact one, with 95 % intervals of the same posts judged by both; null without labels of both kinds. */
  differences: Record<(typeof comparedMetrics)[number], Estimate> | null;
  /** Processor time per post, taken in turns, decoding included; unlike wall time it holds on a busy machine. */
  millisecondsPerPost: { exact: number; compared: number };
}

const comparedMetrics = ['accuracy', 'rocAuc', 'ece'] as const;

const batchSize = 8;
const layout = { workers: 1, threadsPerWorker: 1, maxBatch: batchSize };

/**
 * Serves the same posts from two artifact folders, taking turns, and compares the verdicts.
 *
 * @throws what `openClassifier` and `classify` throw
 */
export async function compareArtifacts(
  exactDir: string,
  comparedDir: string,
  posts: readonly ComparedPost[],
): Promise<ComparisonReport> {
  const exact = await openClassifier(exactDir, layout);
  const compared = await openClassifier(comparedDir, layout).catch(async (error: unknown) => {
    await exact.close();
    throw error;
  });
  try {
    const pairs: [Prediction, Prediction][] = [];
    const spent = { exact: 0, compared: 0 };
    for (let start = 0; start < posts.length; start += batchSize) {
      const batch = posts.slice(start, start + batchSize);
      const left = await timed(spent, 'exact', () => exact.classify(batch));
      const right = await timed(spent, 'compared', () => compared.classify(batch));
      left.forEach((prediction, i) => pairs.push([prediction, right[i] as Prediction]));
    }
    return summarize(pairs, posts, { spent, threshold: exact.threshold });
  } finally {
    await Promise.all([exact.close(), compared.close()]);
  }
}

function summarize(
  pairs: readonly [Prediction, Prediction][],
  posts: readonly ComparedPost[],
  { spent, threshold }: { spent: ComparisonReport['millisecondsPerPost']; threshold: number },
): ComparisonReport {
  const moved = pairs.map(([a, b]) => Math.abs(a.probabilityFake - b.probabilityFake));
  return {
    posts: pairs.length,
    meanProbabilityDifference: moved.reduce((sum, value) => sum + value, 0) / pairs.length,
    maxProbabilityDifference: moved.reduce((largest, value) => (value <= largest ? largest : value), 0),
    changedVerdicts: pairs.filter(([a, b]) => a.labelId !== b.labelId).length,
    clearlyChanged: pairs.filter(([a, b]) => isClearlyChanged([a.probabilityFake, b.probabilityFake], threshold))
      .length,
    accuracy: posts.every(({ label }) => label !== null)
      ? { exact: accuracyOf(pairs, posts, 0), compared: accuracyOf(pairs, posts, 1) }
      : null,
    differences: differencesOf(pairs, posts, threshold),
    millisecondsPerPost: { exact: spent.exact / pairs.length, compared: spent.compared / pairs.length },
  };
}

function accuracyOf(pairs: readonly [Prediction, Prediction][], posts: readonly ComparedPost[], side: 0 | 1): number {
  return pairs.filter((pair, i) => pair[side].labelId === posts[i]?.label).length / pairs.length;
}

async function timed<T>(
  spent: ComparisonReport['millisecondsPerPost'],
  side: keyof typeof spent,
  work: () => Promise<T>,
): Promise<T> {
  const before = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(before);
  spent[side] += (user + system) / 1000;
  return result;
}

function differencesOf(
  pairs: readonly [Prediction, Prediction][],
  posts: readonly ComparedPost[],
  threshold: number,
): ComparisonReport['differences'] {
  const labels = posts.map(({ label }) => label);
  if (labels.includes(null) || new Set(labels).size < 2) return null;
  const judgement = (side: 0 | 1) => ({ probabilities: pairs.map((pair) => pair[side].probabilityFake), threshold });
  if (pairs.some((pair) => pair.some(({ probabilityFake }) => Number.isNaN(probabilityFake)))) return null;
  const { metrics } = compareOnSameRows(judgement(0), judgement(1), labels as LabelId[]);
  const entries = comparedMetrics.map((name) => [name, metrics[name].difference] as const);
  return Object.fromEntries(entries) as NonNullable<ComparisonReport['differences']>;
}

/** NaN is no agreement. */
export const isClose = ({ meanProbabilityDifference }: ComparisonReport, maxMean: number): boolean =>
  meanProbabilityDifference <= maxMean;
