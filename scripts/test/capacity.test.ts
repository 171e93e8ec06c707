import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { repositoryRoot, temporaryFolder } from '@crosscheck/testkit';
import { afterAll, expect, test } from 'vitest';
import { planBatch, planService, usualAssumptions } from '../../benchmarks/capacity/plan.ts';
import { readSpeeds } from '../../benchmarks/capacity/speeds.ts';
import { capacityTables } from '../../benchmarks/capacity/tables.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());

test('pods and cost follow from posts a day, by hand', () => {
  const assumptions = { peak: 3, utilization: 0.5, coresPerPod: 2, leastPods: 2, dollarsPerCoreHour: 0.05 };
  // 86.4 million a day are 1,000 a second; a pod of 2 cores that are half busy answers 20 of 20 per core.
  const plan = planService(86_400_000, 20, assumptions);
  expect(plan).toMatchObject({ meanPerSecond: 1000, peakPerSecond: 3000, podsAtPeak: 150, podsOnAverage: 50 });
  expect(plan.dollarsPerMonth).toBeCloseTo(50 * 2 * 0.05 * 730);
  expect(plan.dollarsPerMillion).toBeCloseTo((50 * 2 * 0.05 * 24) / 86.4);
  expect(planService(1000, 20, assumptions)).toMatchObject({ podsAtPeak: 2, podsOnAverage: 2 });
  expect(planBatch(72_000_000, 20, assumptions)).toEqual({
    posts: 72_000_000,
    coreHours: 1000,
    hoursOn100Cores: 10,
    dollars: 50,
  });
});

test('speeds are those of our service under most clients, of the latest run or a given one', () => {
  const header = 'service,requestsPerSecond,clients,p50Ms,p99Ms,readySeconds,peakMb,date,processor,cores,commit,note';
  const row = (service: string, rate: number, clients: number | '', day: number) =>
    `"${service}","${rate}","${clients}","90","200","1.5","900","2026-11-2${day}T08:00:00.000Z","A, ""fast"" one","2","abc","x, y"`;
  const rows = [row('ours-fp32', 50, 32, 1), row('ours-fp32', 40, 32, 2), row('ours-fp32', 20, 1, 2)];
  const others = [row('tuned-fp32', 30, 32, 2), row('bare-fp32', 60, '', 2), row('ours-int8', 80, 8, 1)];
  writeFileSync(`${folder.dir}/serving.csv`, `${[header, ...rows, ...others].join('\n')}\n`);
  const speeds = readSpeeds(`${folder.dir}/serving.csv`);
  expect(speeds.map(({ precision, perSecond, cores, clients }) => [precision, perSecond, cores, clients])).toEqual([
    ['fp32', 40, 2, 32],
    ['int8', 80, 2, 8],
  ]);
  expect(speeds[0]).toMatchObject({ processor: 'A, "fast" one', p99Ms: 200, peakMb: 900 });
  expect(readSpeeds(`${folder.dir}/serving.csv`, '2026-11-21')[0]).toMatchObject({ perSecond: 50 });
});

test('docs/capacity.md shows what a run in benchmarks/results/serving.csv gives', () => {
  const results = `${repositoryRoot}/benchmarks/results/serving.csv`;
  const page = readFileSync(`${repositoryRoot}/docs/capacity.md`, 'utf8');
  const dates = new Set(
    Array.from(page.matchAll(/, (\d{4}-\d\d-\d\d) (\d\d:\d\d), /g), ([, day, time]) => `${day}T${time}`),
  );
  expect(dates.size, 'run pnpm capacity --write').toBe(1);
  expect(existsSync(results)).toBe(true);
  const tables = capacityTables(readSpeeds(results, [...dates][0]), usualAssumptions);
  expect(page, 'run pnpm capacity --write').toContain(tables);
});
