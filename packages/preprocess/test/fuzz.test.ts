import path from 'node:path';
import { temporaryFolder } from '@crosscheck/testkit';
import { describe, expect, it } from 'vitest';
import { fuzzJpeg } from './fuzz/fuzz-jpeg.ts';
import { judge, promise } from './fuzz/judge.ts';
import { readCorpus, run } from './fuzz/run.ts';

describe("a JPEG that is decoded straight to a square is libjpeg's picture, whatever stands in it", () => {
  const corpus = readCorpus(path.join(import.meta.dirname, 'fuzz/corpus'));

  it.each(corpus)('kept from earlier searches: $name', async ({ file, size }) => {
    const { mean, max } = (await judge(file, size)) ?? { mean: 0, max: 0 };
    expect(mean).toBeLessThanOrEqual(promise.mean);
    expect(max).toBeLessThanOrEqual(promise.max);
  });

  it('searched for: the same 2,000 files each time (`pnpm fuzz jpeg` looks for longer)', async () => {
    const report = await fuzzJpeg({ seed: 15, goesOn: (inputs) => inputs < 2000 });
    expect(report.violations.map(({ size, mean, max }) => ({ size, mean, max }))).toEqual([]);
    expect(report.accepted).toBeGreaterThan(800);
    expect(report.inputs - report.accepted).toBeGreaterThan(200);
  });
});

it('`pnpm fuzz jpeg` takes settings that it knows, and tries the files of its folder first', async () => {
  const { dir, remove } = temporaryFolder();
  expect(await run(['inputs=20', `corpus=${path.join(dir, 'kept')}`])).toBe(0);
  for (const wrong of ['secnds=1', 'inputs=many', 'jpeg']) expect(await run([wrong])).toBe(2);
  remove();
});
