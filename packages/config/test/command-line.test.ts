import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { runEntry } from '@crosscheck/testkit';
import { afterAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { parseArguments } from '../src/cli/arguments.ts';
import { greetFolder } from './bin/folder.ts';

const { dir, remove, greet } = greetFolder();
afterAll(remove);

const read = (...parts: string[]) => readFileSync(path.join(dir, ...parts), 'utf8');
const year = String(new Date().getFullYear());

/** What takes long to load: native libraries, plots, and the packages that stand on them. */
const heavy =
  /node_modules\/(?:sharp|onnxruntime-node|@tensorflow|@huggingface|vega)|packages\/(?:tensorflow|model|preprocess|report)\/src/;

/** Every module that a process loaded, as V8 counted them. */
const loadedModules = (coverage: string): string[] =>
  readdirSync(coverage).flatMap((name) => {
    const { result } = JSON.parse(readFileSync(path.join(coverage, name), 'utf8')) as { result: { url: string }[] };
    return result.map(({ url }) => url);
  });

describe('flags', () => {
  test('may stand anywhere, with = or a space, short or long', () => {
    expect(parseArguments(['a=1', '-c', 'job', '--package=model', '-m', 'b=2', '-cn', 'x'])).toMatchObject({
      overrides: ['a=1', 'b=2'],
      flags: { cfg: 'job', package: 'model', multirun: '', configName: 'x' },
    });
  });

  test('the -- that package managers pass on is ignored', () => {
    expect(parseArguments(['--', 'a=1']).overrides).toEqual(['a=1']);
  });

  test('--info may stand alone before an override', () => {
    expect(parseArguments(['--info', 'a=1'])).toMatchObject({ flags: { info: 'all' }, overrides: ['a=1'] });
  });

  test.each([
    [['--hepl'], 'unknown flag --hepl; did you mean --help?'],
    [['--cfg'], '--cfg needs a value: --cfg PART'],
    [['--cfg', 'jobs'], '--cfg takes job, hydra, all, got jobs'],
    [['--resolve=1'], '--resolve takes no value, got --resolve=1'],
  ])('%j is refused with a reason', (argv, message) => {
    expect(() => parseArguments(argv)).toThrow(
      expect.objectContaining({ code: 'CROSSCHECK_CLI_FLAG', message: expect.stringContaining(message) }),
    );
  });
});

describe('a run', () => {
  test('makes its folder with the composition, the log and the result', async () => {
    const { code, stdout, stderr } = await greet(['greeting.times=3', 'greeting.text=hey', 'hydra.job.env_set={}']);
    const runDir = path.join(dir, 'out', year, 'hey');
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'hey\nhey\nhey\n' });
    expect(stderr).toBe(`warning: said in ${runDir}\n`);
    expect(readdirSync(path.join(runDir, '.hydra')).sort()).toEqual([
      'config.yaml',
      'hydra.yaml',
      'overrides.yaml',
      'result.json',
    ]);
    expect(parse(read('out', year, 'hey', '.hydra/config.yaml'))).toEqual({ greeting: { text: 'hey', times: 3 } });
    expect(parse(read('out', year, 'hey', '.hydra/overrides.yaml'))).toEqual(['greeting.times=3', 'greeting.text=hey']);
    expect(parse(read('out', year, 'hey', '.hydra/hydra.yaml')).hydra).toMatchObject({
      run: { dir: 'out/${now:%Y}/${greeting.text}' },
      overrides: { hydra: ['hydra.job.env_set={}'], task: ['greeting.times=3', 'greeting.text=hey'] },
      runtime: { cwd: dir, output_dir: runDir, choices: { greeting: 'short' } },
      job: { name: 'greet', config_name: 'config', override_dirname: 'greeting.text=hey,greeting.times=3' },
    });
    expect(JSON.parse(read('out', year, 'hey', '.hydra/result.json'))).toMatchObject({
      status: 'finished',
      metrics: { loudness: 3 },
      error: null,
    });
    expect(read('out', year, 'hey', 'greet.log')).toMatch(
      /^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\]\[greet\]\[INFO\] - hey\n/,
    );
  });

  test('does not write over a folder that the clock named, but uses one again that was named on purpose', async () => {
    await Promise.all([greet(['greeting.text=twice']), greet(['greeting.text=twice'])]);
    expect(existsSync(path.join(dir, 'out', year, 'twice-2/.hydra'))).toBe(true);
    for (let i = 0; i < 2; i++) await greet(['hydra.run.dir=fixed', 'hydra.output_subdir=null']);
    expect(readdirSync(path.join(dir, 'fixed')).sort()).toEqual(['greet.log']);
    expect(existsSync(path.join(dir, 'fixed-2'))).toBe(false);
  });

  test('that fails has exit code 1, says why, and keeps its record', async () => {
    const { code, stderr } = await greet(['greeting.times=0', 'hydra.run.dir=failed']);
    expect(code).toBe(1);
    expect(stderr).toContain('Error: nothing to say\n    at ');
    expect(JSON.parse(read('failed/.hydra/result.json'))).toMatchObject({
      status: 'failed',
      error: { code: 'UNEXPECTED', message: 'nothing to say' },
    });
    expect(read('failed/greet.log')).toContain('[greet][ERROR] - Error: nothing to say');
  });

  test('with a wrong config makes no folder', async () => {
    const { code, stderr } = await greet(['greeting.times=no', 'hydra.run.dir=never']);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr:
        'CROSSCHECK_CONFIG_TYPE: greeting.times: expected int ≥ 0, got the text "no" (override greeting.times=no)\n',
    });
    expect(existsSync(path.join(dir, 'never'))).toBe(false);
  });

  test('job_logging=disabled is silent and writes no log', async () => {
    const { stdout } = await greet(['hydra/job_logging=disabled', 'hydra.run.dir=silent']);
    expect(stdout).toBe('');
    expect(readdirSync(path.join(dir, 'silent'))).toEqual(['.hydra']);
  });

  test('another config, and another folder of configs', async () => {
    expect((await greet(['--config-name', 'other', 'hydra.run.dir=o1'])).stdout).toBe('other\n');
    expect((await greet(['--config-dir', 'configs/greeting', '+short@greeting=long', 'hydra.run.dir=o2'])).code).toBe(
      2,
    );
    expect((await greet(['--config-path', 'nowhere'])).stderr).toContain(`main: ${path.join(dir, 'nowhere')}`);
  });

  test('hydra.job.chdir runs inside the folder', async () => {
    const { stderr } = await greet(['hydra.job.chdir=true', 'hydra.run.dir=inside']);
    expect(stderr).toContain(path.join(dir, 'inside'));
  });
});

describe('looking at the config', () => {
  test('--cfg job prints it as it was written, --resolve replaces interpolations', async () => {
    expect((await greet(['--cfg', 'job', 'greeting.text=${greeting.times}x'])).stdout).toBe(
      'greeting:\n  text: ${greeting.times}x\n  times: 1\n',
    );
    expect((await greet(['--cfg', 'job', '--resolve', 'greeting.text=${greeting.times}x'])).stdout).toBe(
      'greeting:\n  text: 1x\n  times: 1\n',
    );
  });

  test('--package prints a part', async () => {
    expect((await greet(['--cfg', 'job', '--package', 'greeting'])).stdout).toBe(
      '# @package greeting\ntext: hi\ntimes: 1\n',
    );
    const { code, stderr } = await greet(['--cfg', 'job', '--package', 'greetin']);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: 'CROSSCHECK_CONFIG_UNKNOWN_KEY: the config has no greetin; did you mean greeting? (--package greetin)\n',
    });
  });

  test('--cfg hydra and --cfg all hold the hydra block', async () => {
    expect(parse((await greet(['--cfg', 'hydra'])).stdout).hydra.launcher).toEqual({ n_jobs: 1 });
    expect(Object.keys(parse((await greet(['--cfg', 'all'])).stdout))).toEqual(['greeting', 'hydra']);
  });

  test('--info lists the defaults and the search path', async () => {
    const { stdout } = await greet(['--info']);
    expect(stdout).toContain('- config: greeting/short\n  package: greeting\n  from: config\n');
    expect(stdout).toContain(`search path:\n  hydra: built in\n  main: ${path.join(dir, 'configs')}`);
  });

  test('--version', async () => {
    expect((await greet(['--version'])).stdout).toBe('0.1.0\n');
  });

  test('none of them makes a folder', () => {
    expect(existsSync(path.join(dir, 'outputs'))).toBe(false);
  });
});

describe('--help', () => {
  test('shows groups with options, keys with type, value and meaning, and the flags', async () => {
    const { stdout, code } = await greet(['--help', 'greeting=long']);
    expect(code).toBe(0);
    expect(stdout.split('\n').slice(0, 14)).toEqual([
      'greet: Says something.',
      '',
      'usage: pnpm greet [key=value …] [group=option …] [flags]',
      '',
      'groups (group=option)',
      '  greeting  long, short  now long',
      '',
      'keys (key=value): name, type, value now, meaning',
      '',
      'greeting.*',
      '  greeting.text   string        good morning  what is said',
      '  greeting.times  int ≥ 0       2             how often',
      '  greeting.mode   plain | loud  plain         how it is said',
      '  greeting.gpu    bool          false         tell which GPU it may use',
    ]);
    for (const flag of ['--cfg, -c PART', '--multirun, -m', '--shell-completion, -sc install=SHELL'])
      expect(stdout).toContain(flag);
  });

  test.each([
    'trainer/src/bin/train.ts',
    'trainer/src/bin/evaluate.ts',
    'trainer/src/bin/calibrate.ts',
    'exporter/src/bin/export.ts',
    'inference/src/bin/infer.ts',
    'server/src/bin/serve.ts',
  ])('of %s loads nothing heavy, so that it answers at once', async (entry) => {
    const coverage = path.join(dir, 'coverage', path.basename(entry, '.ts'));
    const env = { NODE_V8_COVERAGE: coverage };
    expect(await runEntry(`packages/${entry}`, ['--help'], { env })).toMatchObject({ code: 0, stderr: '' });
    const loaded = loadedModules(coverage);
    expect(loaded.some((url) => url.endsWith('config/src/cli/help.ts'))).toBe(true);
    expect(loaded.filter((url) => heavy.test(url))).toEqual([]);
  });
});
