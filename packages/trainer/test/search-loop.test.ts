import { readFileSync } from 'node:fs';
import path from 'node:path';
import {
  composeConfig,
  type SearchStart,
  type SweepJob,
  type TrainConfig,
  type TrialRun,
  trainConfigSchema,
} from '@crosscheck/config';
import { parseOverride, searchSpace } from '@crosscheck/hydra';
import { temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { search } from '../src/sweep/search.ts';
import { optunaPython } from './support/optuna.ts';
import { quietly } from './support/run-train.ts';

// The search with the real Optuna; only the processes of its trials are replaced, by functions of their parameters.
const { dir, remove } = temporaryFolder();
beforeAll(async () => {
  vi.stubEnv('PYTHON', await optunaPython('5.0.0'));
}, 600_000);
afterAll(() => {
  vi.unstubAllEnvs();
  remove();
});

const { config } = composeConfig({
  configName: 'config',
  schema: trainConfigSchema,
  overrides: ['mlflow.enabled=false'],
});

interface Given extends Partial<Omit<SearchStart<TrainConfig>, 'settings'>> {
  name: string;
  settings?: Partial<SearchStart<TrainConfig>['settings']>;
}

const said: string[] = [];
function startOf({ name, settings, ...given }: Given): SearchStart<TrainConfig> {
  return {
    config,
    sweepDir: path.join(dir, name),
    space: searchSpace(['x=interval(0,1)', 'kind=a,b', 'fixed=1'].map(parseOverride), undefined, () => []),
    metrics: ['val/loss'],
    directions: ['minimize'],
    parallel: 1,
    say: (line) => said.push(line),
    runTrial: async (trial) => jobOf(trial, { 'val/loss': trial.drawn['x'] as number }),
    ...given,
    settings: {
      sampler: { _target_: 'optuna.samplers.RandomSampler', seed: 1 },
      pruner: { _target_: 'optuna.pruners.NopPruner' },
      direction: 'minimize',
      storage: null,
      study_name: null,
      n_trials: 4,
      n_jobs: 1,
      max_failure_rate: 0,
      params: null,
      custom_search_space: null,
      metric: null,
      ...settings,
    },
  };
}

function jobOf({ number }: TrialRun, metrics: Record<string, number>, more: Partial<SweepJob> = {}): SweepJob {
  const status = 'finished' as const;
  return {
    number,
    overrides: [],
    runDir: `run/${number}`,
    status,
    metrics,
    seconds: 1,
    code: null,
    error: null,
    ...more,
  };
}

const results = (name: string) =>
  parse(readFileSync(path.join(dir, name, 'optimization_results.yaml'), 'utf8')) as Record<string, unknown>;

test('the next trial is asked for as soon as one ends, not when all that run have ended', async () => {
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  const order: number[] = [];
  const start = startOf({
    name: 'slots',
    parallel: 2,
    async runTrial(trial) {
      if (trial.number === 0) await held;
      if (trial.number === 3) release();
      order.push(trial.number);
      expect(trial.slot).toBe(trial.number === 0 ? 0 : 1);
      return jobOf(trial, { 'val/loss': trial.drawn['x'] as number });
    },
  });
  const { result, output } = await quietly(() => search(start));
  expect(result).toBe(0);
  expect(order.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3]);
  expect(order.indexOf(0)).toBeGreaterThan(order.indexOf(2));
  expect(output).toContain('4 trials, 4 complete');
  const widths = output
    .split('\n')
    .filter((line) => /^ {2}(#|trial)/.test(line))
    .map(({ length }) => length);
  expect(Math.max(...widths)).toBeLessThanOrEqual(80);
});

test('too many failures end a search with the first reason, and its study is kept', async () => {
  const failing = async (trial: TrialRun) => jobOf(trial, {}, { status: 'failed', error: 'loss is not finite' });
  const run = (name: string, max_failure_rate: number) =>
    quietly(() => search(startOf({ name, runTrial: failing, settings: { max_failure_rate } })));
  await expect(run('none allowed', 0)).rejects.toThrow(
    expect.objectContaining({
      code: 'CROSSCHECK_SEARCH_FAILURES',
      message: expect.stringMatching(
        /1 of 1 trials failed.*max_failure_rate=0 .*loss is not finite.*study_name=no-name/,
      ),
    }),
  );
  await expect(run('half allowed', 0.5)).rejects.toThrow(/3 of 3 trials failed/);
});

test('an objective that is not finite is a failure', async () => {
  const runTrial = async (trial: TrialRun) => jobOf(trial, { 'val/loss': trial.number === 1 ? Number.NaN : 1 });
  const { output } = await quietly(() =>
    search(startOf({ name: 'not finite', runTrial, settings: { max_failure_rate: 0.5 } })),
  );
  expect(output).toContain('3 complete, 1 failed');
  expect(output).toMatch(/it reported no finite\s+val\/loss/);
});

test('several objectives leave the solutions that none beats', async () => {
  const start = startOf({
    name: 'two',
    metrics: ['val/accuracy', 'val/loss'],
    directions: ['maximize', 'minimize'],
    settings: { n_trials: 6, direction: ['maximize', 'minimize'] },
    async runTrial(trial) {
      const x = trial.drawn['x'] as number;
      expect(await trial.onReport({ epoch: 1, metrics: { 'val/accuracy': 0 } })).toBe('goes on');
      return jobOf(trial, { 'val/accuracy': x, 'val/loss': trial.number === 0 ? 5 : x });
    },
  });
  expect((await quietly(() => search(start))).result).toBe(0);
  const { name, solutions } = results('two') as { name: string; solutions: { values: number[] }[] };
  expect(name).toBe('optuna');
  expect(solutions.length).toBeGreaterThanOrEqual(5);
  for (const { values } of solutions.filter(({ values: [, loss] }) => loss !== 5)) expect(values[0]).toBe(values[1]);
});

test('an earlier study goes on, and trials are numbered on', async () => {
  const settings = { storage: `sqlite:///${dir}/kept.db`, study_name: 'posts', n_trials: 2 };
  const numbers: number[] = [];
  const runTrial = async (trial: TrialRun) => {
    numbers.push(trial.number);
    return jobOf(trial, { 'val/loss': trial.number });
  };
  for (const name of ['first', 'second']) await quietly(() => search(startOf({ name, settings, runTrial })));
  expect(numbers).toEqual([0, 1, 2, 3]);
  expect(said).toContain('the study goes on after 2 trials');
  expect(results('second')['best_value']).toBe(0);
});

test('a pruner that would never prune is refused, because its metric is known at the end only', async () => {
  const settings = { pruner: { _target_: 'optuna.pruners.MedianPruner' } };
  const start = startOf({ name: 'never', metrics: ['calibration/ece'], settings });
  await expect(search(start)).rejects.toThrow(/calibration\/ece is known at their end only.*val\/loss/);
});

test('a direction that would look for the worst is refused', async () => {
  await expect(search(startOf({ name: 'worst', metrics: ['val/accuracy'] }))).rejects.toThrow(
    /val\/accuracy is better when higher, got minimize; set hydra.sweeper.direction=maximize/,
  );
});
