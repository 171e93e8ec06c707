import { readFileSync, writeFileSync } from 'node:fs';
import { repositoryRoot, temporaryFolder } from '@crosscheck/testkit';
import { afterAll, describe, expect, test } from 'vitest';
import { intoBuckets, readMeasuredStep } from '../../benchmarks/scaling/gradients.ts';
import {
  reduceSeconds,
  ringSeconds,
  stepWith,
  stepWithout,
  usualAssumptions,
} from '../../benchmarks/scaling/reckon.ts';
import { scalingTables } from '../../benchmarks/scaling/tables.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());

const link = { name: 'a link', bitsPerSecond: 8e9 }; // a gigabyte a second
const assumptions = { utilization: 1, hopSeconds: 0.001, bucketNumbers: 1 };

describe('a ring, by hand', () => {
  test('sends 2 (N − 1) pieces of 1/N', () => {
    // 4 workers, 400 MB: 6 pieces of 100 MB at 0.1 s and 1 ms each.
    expect(ringSeconds(400e6, 4, link, assumptions)).toBeCloseTo(0.606);
    expect(ringSeconds(400e6, 4, link, { ...assumptions, utilization: 0.5 })).toBeCloseTo(1.206);
    expect(ringSeconds(400e6, 1, link, assumptions)).toBe(0);
  });

  // Two workers, buckets of 100 MB: 2 pieces of 50 MB, 102 ms each bucket.
  const buckets = [0.5, 0.6, 0.9].map((readyAt) => ({ bytes: 100e6, readyAt }));
  const step = { seconds: 1, updateFrom: 0.9, buckets };

  test('after all gradients costs every bucket', () => {
    expect(reduceSeconds(step, 2, link, assumptions)).toBeCloseTo(0.306);
    expect(stepWithout(step, 2, link, assumptions)).toBeCloseTo(1.306);
  });

  test('beside the backward pass costs what is not ready, or waits for the link', () => {
    // 0.5 → 0.602 → 0.704; the last is there at 0.9 and done at 1.002; then the update.
    expect(stepWith(step, 2, link, assumptions)).toBeCloseTo(1.102);
    // At a tenth of the rate the link is never free: 0.5 + 3 × 1.002, and the update.
    expect(stepWith(step, 2, { ...link, bitsPerSecond: 8e8 }, assumptions)).toBeCloseTo(3.606);
    expect(stepWith({ ...step, buckets: [] }, 2, link, assumptions)).toBeCloseTo(1);
  });
});

test('gradients travel in the order in which they are there, in buckets that are filled, and large ones are cut', () => {
  const row = (parameter: string, numbers: number, readyAt: number, date: string) =>
    `"${parameter}","${numbers}","${readyAt}","0.9","16","${date}","A, ""fast"" one","2","abc"`;
  const rows = [
    row('old', 9, 0.1, '2026-01-01'),
    row('late', 30, 0.9, '2026-02-01'),
    row('soon', 20, 0.2, '2026-02-01'),
    row('then', 10, 0.3, '2026-02-01'),
  ];
  const header = 'parameter,numbers,readyAt,updateFrom,batch,date,processor,cores,commit';
  writeFileSync(`${folder.dir}/scaling.csv`, `${[header, ...rows].join('\n')}\n`);
  const measured = readMeasuredStep(`${folder.dir}/scaling.csv`);
  expect(measured.gradients.map(({ parameter }) => parameter)).toEqual(['soon', 'then', 'late']);
  // 20 + 5 of 10, the other 5 + 20 of 30, the last 10.
  expect(intoBuckets(measured, 4, 25)).toEqual([
    { bytes: 100, readyAt: 0.3 },
    { bytes: 100, readyAt: 0.9 },
    { bytes: 40, readyAt: 0.9 },
  ]);
  expect(intoBuckets(measured, 2, 1000)).toEqual([{ bytes: 120, readyAt: 0.9 }]);
});

test('the measured step is the default network, whose gradients are all there before the update', () => {
  const { gradients, updateFrom } = readMeasuredStep(`${repositoryRoot}/benchmarks/results/scaling.csv`);
  expect(gradients.reduce((sum, { numbers }) => sum + numbers, 0)).toBe(72_240_765);
  expect(gradients.at(-1)?.readyAt).toBeLessThanOrEqual(updateFrom);
});

test('the tables of docs/scaling.md are those of the command', () => {
  const measured = readMeasuredStep(`${repositoryRoot}/benchmarks/results/scaling.csv`);
  const docs = readFileSync(`${repositoryRoot}/docs/scaling.md`, 'utf8');
  expect(docs).toContain(scalingTables(measured, usualAssumptions, [125, 500]));
});
