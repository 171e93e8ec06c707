import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expandSweep, parseOverride } from '@crosscheck/hydra';
import { afterAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { SweepJob } from '../src/cli/command.ts';
import { gpuEnvironment, visibleGpus } from '../src/cli/sweep/gpus.ts';
import { equalJobs, openFrame, planJobs } from '../src/cli/sweep/plan.ts';
import { describeBest, describeUnfinished, sortJobs, sweepTable } from '../src/cli/sweep/table.ts';
import { trainConfigSchema, trainReads } from '../src/index.ts';
import { greetFolder } from './bin/folder.ts';

const { dir, remove, greet } = greetFolder();
afterAll(remove);

const trainRequest = {
  command: {
    name: 'train',
    summary: '',
    configName: 'config',
    schema: trainConfigSchema,
    reads: trainReads,
    main: async () => {},
  },
  options: { configName: 'config', schema: trainConfigSchema, overrides: [] },
  invocation: { overrides: [], flags: {}, words: [] },
  now: new Date(),
};

const expand = (inputs: string[], params?: Record<string, string>) =>
  expandSweep(inputs.map(parseOverride), params, (group) =>
    group === 'model' ? ['multimodal', 'tiny', 'tiny_wide'] : [],
  );

describe('the jobs of a sweep', () => {
  test('are every combination, the last override varying fastest', () => {
    expect(expand(['a=1,2', 'b=x', 'c=range(2)'])).toEqual([
      ['a=1', 'b=x', 'c=0'],
      ['a=1', 'b=x', 'c=1'],
      ['a=2', 'b=x', 'c=0'],
      ['a=2', 'b=x', 'c=1'],
    ]);
  });

  test("the AC215 system's layer sizes are one line", () => {
    expect(expand(['model.fusion_hidden_dim=64,128,244'])).toEqual([
      ['model.fusion_hidden_dim=64'],
      ['model.fusion_hidden_dim=128'],
      ['model.fusion_hidden_dim=244'],
    ]);
  });

  test('keep texts as they were written', () => {
    expect(expand(["version=1.10,1.9,'a b'", 'e=1e-5,2e-5'])[0]).toEqual(['version=1.10', 'e=1e-5']);
    expect(expand(["v='1,2','3'"])).toEqual([["v='1,2'"], ["v='3'"]]);
  });

  test('glob chooses options of a group', () => {
    expect(expand(['model=glob(*)']).flat()).toEqual(['model=multimodal', 'model=tiny', 'model=tiny_wide']);
    expect(expand(['model=glob([tiny*,multi*],exclude=*wide)']).flat()).toEqual(['model=multimodal', 'model=tiny']);
    expect(() => expand(['model=glob(x*)'])).toThrow(
      /glob\(x\*\) matches none of the options: multimodal, tiny, tiny_wide/,
    );
  });

  test('hydra.sweeper.params are swept too, unless the same key is typed', () => {
    expect(expand(['b=9'], { a: '1,2', b: 'range(3)' })).toEqual([
      ['a=1', 'b=9'],
      ['a=2', 'b=9'],
    ]);
  });

  test('an interval has no end of values', () => {
    expect(() => expand(['a=interval(0,1)'])).toThrow(expect.objectContaining({ code: 'SWEEP' }));
  });

  test('additions and deletions go to every job', () => {
    expect(expand(['+a=1,2', '~b', 'hydra.run.dir=x'])).toEqual([
      ['+a=1', '~b'],
      ['+a=2', '~b'],
    ]);
  });
});

describe('a sweep', () => {
  test('runs each job in its own folder under one parent run and ends with a sorted table', async () => {
    const { code, stdout } = await greet(['-m', 'greeting=short,long', 'greeting.mode=plain,loud']);
    const sweepDir = path.join(dir, 'many', String(new Date().getFullYear()));
    expect(code).toBe(0);
    expect(stdout).toContain(`opened 4 in ${sweepDir}\n`);
    expect(stdout).toContain('closed finished,finished,finished,finished\n');
    expect(stdout).toMatch(
      /\[HYDRA\] \t#2 : greeting=long greeting.mode=plain\n(good morning\n){2}under parent-1, job 2\n/,
    );
    const table = stdout.slice(stdout.indexOf('\njob ')).trim().split('\n');
    expect(table.slice(0, 5).map((line) => line.split(/\s+/).slice(0, 3))).toEqual([
      ['job', 'status', 'loudness'],
      ['#3', 'finished', '20'],
      ['#1', 'finished', '10'],
      ['#2', 'finished', '2'],
      ['#0', 'finished', '1'],
    ]);
    expect(parse(readFileSync(path.join(sweepDir, 'multirun.yaml'), 'utf8')).hydra.overrides.task).toEqual([
      'greeting=short,long',
      'greeting.mode=plain,loud',
    ]);
    expect(parse(readFileSync(path.join(sweepDir, '3/.hydra/hydra.yaml'), 'utf8')).hydra.job).toMatchObject({
      num: 3,
      id: '3',
    });
    expect(JSON.parse(readFileSync(path.join(sweepDir, 'summary.json'), 'utf8'))[0]).toMatchObject({
      number: 3,
      metrics: { loudness: 20 },
    });
  });

  test('goes on after a failed job, several at once, and ends with exit code 1', async () => {
    const { code, stdout, stderr } = await greet([
      '-m',
      'greeting.times=2,0,1',
      'hydra.launcher.n_jobs=2',
      'hydra.sweep.dir=some',
      'hydra.sweep.subdir=t${greeting.times}',
      'hydra.sweeper.direction=minimize',
    ]);
    expect(code).toBe(1);
    const rows = stdout.slice(stdout.indexOf('\njob ')).trim().split('\n').slice(1, 4);
    expect(rows.map((row) => row.split(/\s+/).slice(0, 3))).toEqual([
      ['#2', 'finished', '1'],
      ['#0', 'finished', '2'],
      ['#1', 'failed', '-'],
    ]);
    expect(rows[2]).toContain('nothing to say');
    expect(stdout).toMatch(/^#0 \S.* \| hi$/m);
    expect(stderr.trim().split('\n').at(-1)).toBe('1 failed of 3 jobs; most often (1): nothing to say');
    for (const name of ['t0', 't1', 't2'])
      expect(existsSync(path.join(dir, 'some', name, '.hydra/result.json'))).toBe(true);
  });

  test('shares several GPUs out', async () => {
    const { stdout } = await greet(
      ['-m', 'greeting.text=a,b', 'greeting.gpu=true', 'hydra.launcher.n_jobs=2', 'hydra.sweep.dir=gpus'],
      { CUDA_VISIBLE_DEVICES: '3,5' },
    );
    expect(stdout).toMatch(/^#0 \S.* \| gpu 3$/m);
    expect(stdout).toMatch(/^#1 \S.* \| gpu 5$/m);
  });

  test('does not start when one of its jobs has a wrong config', async () => {
    const { code, stdout, stderr } = await greet(['-m', 'greeting.times=1,x', 'hydra.sweep.dir=wrong']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('CROSSCHECK_CONFIG_TYPE: job #1 (greeting.times=x): greeting.times: expected int ≥ 0');
    expect(existsSync(path.join(dir, 'wrong'))).toBe(false);
  });

  test('starts with hydra.mode=MULTIRUN too', async () => {
    const { stdout } = await greet(['hydra.mode=MULTIRUN', 'greeting.text=a,b', 'hydra.sweep.dir=mode']);
    expect(stdout).toContain('closed finished,finished\n');
  });

  test('over the hydra block is refused', async () => {
    expect((await greet(['-m', 'hydra.run.dir=a,b'])).stderr).toContain(
      'hydra.run.dir=a,b: the hydra block cannot be swept over',
    );
  });
});

describe('GPUs', () => {
  test('are those that the environment names, else those of the driver', () => {
    expect(visibleGpus({ CUDA_VISIBLE_DEVICES: '2,7' })).toEqual(['2', '7']);
    expect(visibleGpus({ CUDA_VISIBLE_DEVICES: '-1' })).toEqual([]);
    expect(visibleGpus({}, path.join(dir, 'configs'))).toHaveLength(3);
    expect(visibleGpus({}, path.join(dir, 'nothing'))).toEqual([]);
  });

  test('are only shared out when there are several, for several jobs', () => {
    expect(gpuEnvironment(3, 4, ['0', '1'])).toEqual({ CUDA_VISIBLE_DEVICES: '1' });
    expect(gpuEnvironment(0, 1, ['0', '1'])).toEqual({});
    expect(gpuEnvironment(0, 2, ['0'])).toEqual({});
  });
});

describe('the summary', () => {
  const job = (number: number, metrics: Record<string, number>, rest: Partial<SweepJob> = {}): SweepJob => ({
    number,
    overrides: ['a=1', `b=${number}`],
    runDir: '',
    status: 'finished',
    metrics,
    seconds: 1.26,
    code: null,
    error: null,
    ...rest,
  });

  test('puts failed jobs and those without the metric last', () => {
    const jobs = [
      job(0, {}),
      job(1, { f1: 0.5 }),
      job(2, { f1: 0.9 }),
      job(3, { f1: 1 }, { status: 'failed' }),
      job(4, { f1: Number.NaN }),
    ];
    expect(sortJobs(jobs, 'f1', 'maximize').map(({ number }) => number)).toEqual([2, 1, 0, 3, 4]);
    expect(sortJobs(jobs, 'f1', 'minimize').map(({ number }) => number)).toEqual([1, 2, 0, 3, 4]);
    expect(sortJobs(jobs, null, 'maximize')).toEqual(jobs);
    const tied = [0.7, 0.5, 0.6].map((loss, number) => ({
      ...(jobs[0] as SweepJob),
      number,
      metrics: { 'val/accuracy': 0.5, 'val/loss': loss },
    }));
    expect(sortJobs(tied, 'val/accuracy', 'maximize').map(({ number }) => number)).toEqual([1, 2, 0]);
  });

  test('shows the chosen metric first and leaves out what all jobs share', () => {
    expect(sweepTable([job(0, { loss: 1, f1: 0.12345 }), job(1, { f1: 2 })], 'f1')).toBe(
      [
        'job  status    f1      loss  seconds  overrides',
        '#0   finished  0.1235  1     1.3      b=0',
        '#1   finished  2       -     1.3      b=1',
      ].join('\n'),
    );
  });

  test('counts what is not finished and names the commonest reason', () => {
    const failed = (number: number, code: string, error: string) => job(number, {}, { status: 'failed', code, error });
    const jobs = [
      job(0, {}),
      failed(1, 'UNEXPECTED', 'once'),
      failed(2, 'CROSSCHECK_A', 'twice'),
      failed(3, 'CROSSCHECK_A', 'twice, with another path\nand lines'),
      job(4, {}, { status: 'interrupted' }),
      job(5, {}, { status: 'skipped' }),
    ];
    expect(describeUnfinished(jobs)).toBe(
      '3 failed, 1 interrupted, 1 skipped of 6 jobs; most often (2): CROSSCHECK_A: twice',
    );
  });

  test('ends with the checkpoint of the best job, and how to go on with it', () => {
    const next = ['pnpm evaluate evaluation.checkpoint=x/1.safetensors'];
    const best = job(1, { f1: 2 }, { checkpoint: path.resolve('x/1.safetensors'), next });
    expect(describeBest([best, job(0, { f1: 1 })])).toEqual([
      'best: #1 b=1',
      'best checkpoint: x/1.safetensors',
      'Next:',
      '  pnpm evaluate evaluation.checkpoint=x/1.safetensors',
    ]);
    expect(describeBest([job(0, { f1: 1 })])).toEqual([]);
    expect(describeBest([{ ...best, status: 'failed' }])).toEqual([]);
  });

  test('shows the metrics of the same split before those of another', () => {
    const metrics = { 'train/loss': 1, 'train/f1': 2, 'val/loss': 3, 'val/f1': 4, 'val/accuracy': 5 };
    expect(sweepTable([job(0, metrics)], 'val/accuracy').split('\n')[0]).toBe(
      'job  status    val/accuracy  val/loss  val/f1  train/loss  seconds  overrides',
    );
  });
});

describe('jobs that would get in each other’s way', () => {
  test('get folders of their own where they would share one, and it is said', async () => {
    const shared = await greet(['-m', 'greeting.times=1,2', 'greeting.dir=kept', 'hydra.sweep.dir=shared']);
    expect(shared.code).toBe(0);
    expect(shared.stdout).toContain(
      'jobs would write over each other in greeting.dir=kept: each gets a folder of its own there, named by its number',
    );
    for (const number of [0, 1]) expect(shared.stdout).toContain(`kept in kept/${number}\n`);
  });

  test('keep folders that differ already', async () => {
    const { stdout } = await greet(['-m', 'greeting.dir=a,${hydra:job.num}', 'hydra.sweep.dir=apart']);
    expect(stdout).toContain('kept in a\n');
    expect(stdout).toContain('kept in 1\n');
    expect(stdout).not.toContain('would write over');
  });

  test('are told when they are the same run, because they differ only in what nothing reads', () => {
    const plan = (lists: string[][]) => planJobs(lists, openFrame(trainRequest));
    const rates = ['1e-4', '1e-5'].map((rate) => `training.learning_rate=${rate}`);
    const jobs = plan([...rates.map((rate) => ['experiment=two_phase', rate]), ...rates.map((rate) => [rate])]);
    expect(equalJobs(jobs, trainReads)).toEqual([[0, 1]]);
    expect(() => plan(rates.map((rate) => ['experiment=two_phase', rate]))).toThrow(
      'nothing reads training.learning_rate here (override training.learning_rate=1e-4): every phase sets its own; set training.phases.frozen.learning_rate or training.phases.finetune.learning_rate',
    );
  });
});
