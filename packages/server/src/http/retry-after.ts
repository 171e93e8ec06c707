import type { ClassifierStats } from '@crosscheck/inference';

const bounds = { min: 1, max: 30 };

/** Seconds until the posts that wait now will have been judged, from what a post has taken so far. */
export function retryAfterSeconds(stats: ClassifierStats | null): number {
  if (!stats) return bounds.min;
  const { inferenceSeconds, batchSize, queueDepth, workers } = stats;
  const secondsPerPost = batchSize.sum === 0 ? 0 : inferenceSeconds.sum / batchSize.sum;
  const wait = Math.ceil((secondsPerPost * queueDepth) / Math.max(1, workers));
  return Math.min(bounds.max, Math.max(bounds.min, wait));
}
