import type { Bucket } from './gradients.ts';

/** What joins the workers. */
export interface Link {
  name: string;
  /** Of one worker, in one direction. */
  bitsPerSecond: number;
}

export const links: readonly Link[] = [
  { name: '10 Gbit/s', bitsPerSecond: 10e9 },
  { name: '25 Gbit/s', bitsPerSecond: 25e9 },
  { name: '100 Gbit/s', bitsPerSecond: 100e9 },
  { name: '400 Gbit/s', bitsPerSecond: 400e9 },
  { name: 'NVLink 4', bitsPerSecond: 3_600e9 }, // 450 GB/s each way
];

export const gpuCounts: readonly number[] = [2, 4, 8, 16, 32, 64];

export interface Assumptions {
  /** Share of a link's rate that arrives. */
  utilization: number;
  /** From one worker to the next, for each message, in seconds. */
  hopSeconds: number;
  /** How many numbers travel together. */
  bucketNumbers: number;
}

export const usualAssumptions: Assumptions = { utilization: 0.8, hopSeconds: 30e-6, bucketNumbers: 6.25e6 };

/**
 * Seconds of a ring all-reduce of one bucket among N workers: each sends 2 (N − 1) pieces of 1/N of it to its neighbour, first to add up, then to hand
 * round. The slowest link of the ring counts.
 */
export function ringSeconds(bytes: number, workers: number, { bitsPerSecond }: Link, assumptions: Assumptions): number {
  const messages = 2 * (workers - 1);
  const piece = (8 * bytes) / workers / (bitsPerSecond * assumptions.utilization);
  return messages * (piece + assumptions.hopSeconds);
}

export interface Step {
  /** Of one worker alone, on its own part, in seconds. */
  seconds: number;
  /** Share of it after which all gradients are there. */
  updateFrom: number;
  buckets: readonly Bucket[];
}

/** Seconds of the reduction alone. */
export const reduceSeconds = (
  { buckets }: Pick<Step, 'buckets'>,
  workers: number,
  link: Link,
  assumptions: Assumptions,
) => buckets.reduce((sum, { bytes }) => sum + ringSeconds(bytes, workers, link, assumptions), 0);

/** Seconds of a step of N workers that reduce when all gradients are there. */
export const stepWithout = (step: Step, workers: number, link: Link, assumptions: Assumptions) =>
  step.seconds + reduceSeconds(step, workers, link, assumptions);

/** The same when each bucket travels, one after the other, as soon as it is full: what is on its way while gradients are still computed costs nothing. */
export function stepWith(
  { seconds, updateFrom, buckets }: Step,
  workers: number,
  link: Link,
  assumptions: Assumptions,
): number {
  let free = 0;
  for (const { bytes, readyAt } of buckets)
    free = Math.max(free, readyAt * seconds) + ringSeconds(bytes, workers, link, assumptions);
  return Math.max(free, updateFrom * seconds) + (1 - updateFrom) * seconds;
}
