import type { Artifact, LabelId } from '@crosscheck/contract';
import { CrosscheckError } from '@crosscheck/contract';
import { openClassifier, type Prediction } from '@crosscheck/inference';

/** A post to compare on, with its label where that is known. */
export interface ComparedPost {
  text: string;
  image: string;
  label: LabelId | null;
}

/** Largest mean |Δp| between the exact network and another precision. */
export const maxMeanProbabilityDifference = 0.01;

export interface ComparisonReport {
  posts: number;
  meanProbabilityDifference: number;
  maxProbabilityDifference: number;
  /** Verdicts that differ. */
  changedVerdicts: number;
  /** Share of right verdicts, exact and compared; null without labels. */
  accuracy: { exact: number; compared: number } | null;
  /** Processor time per post, taken in turns, decoding included; unlike wall time it holds on a busy machine. */
  millisecondsPerPost: { exact: number; compared: number };
}

const batchSize = 8;
const layout = { workers: 1, threadsPerWorker: 1, maxBatch: batchSize };

/**
 * Serves the same posts from two artifact folders, taking turns, and compares the verdicts.
 *
 * @throws CROSSCHECK_EXPORT_PRECISION_LOSS, and what `openClassifier` and `classify` throw
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
    return refuseLoss(summarize(pairs, posts, spent), compared.artifact.precision);
  } finally {
    await Promise.all([exact.close(), compared.close()]);
  }
}

function summarize(
  pairs: readonly [Prediction, Prediction][],
  posts: readonly ComparedPost[],
  spent: ComparisonReport['millisecondsPerPost'],
): ComparisonReport {
  const differences = pairs.map(([a, b]) => Math.abs(a.probabilityFake - b.probabilityFake));
  return {
    posts: pairs.length,
    meanProbabilityDifference: differences.reduce((sum, value) => sum + value, 0) / pairs.length,
    maxProbabilityDifference: differences.reduce((largest, value) => (value <= largest ? largest : value), 0),
    changedVerdicts: pairs.filter(([a, b]) => a.labelId !== b.labelId).length,
    accuracy: posts.every(({ label }) => label !== null)
      ? { exact: accuracyOf(pairs, posts, 0), compared: accuracyOf(pairs, posts, 1) }
      : null,
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

/** NaN is no agreement. */
function refuseLoss(report: ComparisonReport, precision: Artifact['precision']): ComparisonReport {
  if (report.meanProbabilityDifference <= maxMeanProbabilityDifference) return report;
  const message = `${precision} must keep every probability within ${maxMeanProbabilityDifference} of fp32 on average; over ${report.posts} posts the mean |Δp| is ${report.meanProbabilityDifference.toFixed(4)}, the largest ${report.maxProbabilityDifference.toFixed(4)}, and ${report.changedVerdicts} verdicts differ. Nothing was written; calibrate on pictures like those that will be judged (data.val_file, export.calibration_rows), or set export.precision=fp32`;
  throw new CrosscheckError('CROSSCHECK_EXPORT_PRECISION_LOSS', message);
}
