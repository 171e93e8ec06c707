import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { compose, distributionJson, parseOverride, searchSpace, toPlain, trialOverrides } from '@crosscheck/hydra';
import { repositoryRoot, temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { resultsYaml } from '../src/sweep/results.ts';
import { shortNames } from '../src/sweep/short-names.ts';
import { Study, type StudyOptions } from '../src/sweep/study.ts';
import { optunaPython } from './support/optuna.ts';

/** Made by scripts/golden/optuna_sweeper.py with the real plugin. */
const golden = JSON.parse(
  readFileSync(path.join(repositoryRoot, 'packages/hydra/test/fixtures/optuna-sweeper.json'), 'utf8'),
) as { searches: Record<string, { overrides: string[]; trials: [string[], number][]; results: string }> };

const { dir, remove } = temporaryFolder();
afterAll(remove);

const params = {
  rate: 'tag(log, interval(1e-5, 1e-1))',
  drop: 'interval(0.0, 0.5)',
  layers: 'range(1, 4)',
  kind: 'choice(a, b)',
};

/** The sweeper's settings, composed as a sweep composes them. */
function settingsOf(overrides: string[]) {
  const configs = path.join(dir, 'configs');
  mkdirSync(configs, { recursive: true });
  writeFileSync(path.join(configs, 'config.yaml'), 'rate: 1\ndrop: 1\nlayers: 1\nkind: a\ntwo: false\n');
  const { hydra } = compose({
    configName: 'config',
    sources: [{ provider: 'main', dir: configs }],
    overrides: ['hydra/sweeper=optuna', ...overrides.filter((override) => override.startsWith('hydra'))],
  });
  return (toPlain(hydra) as unknown as { sweeper: StudyOptions & { direction: string | string[]; n_trials: number } })
    .sweeper;
}

function optionsOf(overrides: string[], more: Partial<StudyOptions> = {}, drawn = params) {
  const { sampler, pruner, direction } = settingsOf(overrides);
  const space = searchSpace(overrides.map(parseOverride), drawn, () => []);
  const options: StudyOptions = {
    storage: `sqlite:///${dir}/study.db`,
    study: null,
    directions: [direction].flat() as StudyOptions['directions'],
    sampler,
    pruner,
    space: Object.fromEntries([...space.params].map(([name, of]) => [name, distributionJson(of)])),
    metrics: [direction].flat(),
    ...more,
  };
  return { space, options };
}

/** Values as Python and as we spell them are the same values. */
const meaning = (overrides: readonly string[]) =>
  Object.fromEntries(
    overrides.map((text) => [text.split('=')[0], toPlain(parseOverride(text.toLowerCase()).value as never)]),
  );

const started: Study[] = [];
async function start(name = 'optuna'): Promise<Study> {
  const study = await Study.start(path.join(dir, `${name}.log`));
  started.push(study);
  return study;
}
afterAll(() => Promise.all(started.map((study) => study.close())));

describe.each(['4.9.0', '5.0.0'])('a study of Optuna %s', (version) => {
  beforeAll(async () => {
    vi.stubEnv('PYTHON', await optunaPython(version));
  }, 600_000);
  afterAll(() => {
    vi.unstubAllEnvs();
  });

  // How TPE weighs several objectives changed inside Optuna.
  const comparable = Object.keys(golden.searches).filter((name) => name !== 'two' || version === '5.0.0');
  test.each(comparable)('asks for the trials of hydra-optuna-sweeper: %s', async (name) => {
    const { overrides, trials, results } = golden.searches[name] as (typeof golden.searches)[string];
    const { space, options } = optionsOf(overrides);
    const study = await start();
    const opened = await study.open(options);
    expect([opened.version, opened.left]).toEqual([version, name === 'grid' ? 36 : null]);
    for (const [expected, loss] of trials) {
      const { trial, params: drawn } = await study.ask({});
      expect(meaning(trialOverrides(space, drawn))).toEqual(meaning(expected));
      const values = options.directions.length === 1 ? [loss] : [loss, drawn['layers'] as number];
      await study.tell({ trial, state: 'complete', values, attrs: {} });
    }
    const written = resultsYaml(await study.summary(), { space, directions: [...options.directions] });
    expect(parse(written)).toEqual(parse(results));
    expect(written.split('\n').map((line) => line.split(':')[0])).toEqual(
      results.split('\n').map((line) => line.split(':')[0]),
    );
  });

  test('prunes by the median of the epochs before, and records what was pruned and what failed', async () => {
    const { options } = optionsOf(['hydra/sweeper/pruner=median', 'hydra.sweeper.pruner.n_startup_trials=1']);
    const study = await start();
    await study.open(options);
    const run = async (value: number) => {
      const { trial } = await study.ask({ note: 'x' });
      const isPruned = await study.report(trial, 1, value);
      await study.tell({
        trial,
        state: isPruned ? 'pruned' : 'complete',
        values: isPruned ? null : [value],
        attrs: {},
      });
      return isPruned;
    };
    expect([await run(0.5), await run(0.4), await run(0.6), await run(Number.NaN)]).toEqual([false, false, true, true]);
    const { trial } = await study.ask({});
    await study.tell({ trial, state: 'fail', values: null, attrs: { error: 'loss is not finite' } });
    const { trials, best } = await study.summary();
    expect(trials.map(({ state }) => state)).toEqual(['complete', 'complete', 'pruned', 'pruned', 'fail']);
    expect(best).toEqual([1]);
    expect([trials[2]?.values, trials[2]?.epochs, trials[4]?.attrs]).toEqual([
      [0.6],
      [[1, 0.6]],
      { error: 'loss is not finite' },
    ]);
  });

  test('prunes by Hyperband, whose brackets get the trials', async () => {
    const { options } = optionsOf(['hydra/sweeper/pruner=hyperband', 'hydra.sweeper.pruner.max_resource=9']);
    const study = await start();
    await study.open(options);
    let pruned = 0;
    for (let i = 0; i < 16; i++) {
      const { trial } = await study.ask({});
      let isPruned = false;
      for (let epoch = 1; epoch <= 9 && !isPruned; epoch++) isPruned = await study.report(trial, epoch, i + 1 / epoch);
      await study.tell({ trial, state: isPruned ? 'pruned' : 'complete', values: isPruned ? null : [i], attrs: {} });
      pruned += Number(isPruned);
    }
    expect(pruned).toBeGreaterThan(3);
    expect((await study.summary()).best).toEqual([0]);
  });

  test('goes on where it was left: an interrupted trial and one of a killed process are tried again', async () => {
    const { options } = optionsOf([], { study: `goes on ${version}` });
    const first = await start();
    await first.open(options);
    const interrupted = await first.ask({});
    await first.tell({ trial: interrupted.trial, state: 'fail', values: null, attrs: {}, again: true });
    const again = await first.ask({});
    expect(again.params).toEqual(interrupted.params);
    const running = await first.ask({});
    await first.close();
    const second = await start('second');
    const opened = await second.open(options);
    expect(opened).toMatchObject({ trials: 3, taken_up: [again.trial, running.trial], elsewhere: [] });
    expect((await second.ask({})).params).toEqual(again.params);
    expect((await second.ask({})).params).toEqual(running.params);
  });

  test('says which parameters mattered', async () => {
    const { options } = optionsOf(['hydra/sweeper/sampler=random', 'hydra.sweeper.sampler.seed=1']);
    const study = await start();
    await study.open({ ...options, directions: ['maximize'] });
    for (let i = 0; i < 40; i++) {
      const { trial, params: drawn } = await study.ask({});
      const value = -Math.abs(Math.log10(drawn['rate'] as number) + 3);
      await study.tell({ trial, state: 'complete', values: [value], attrs: {} });
    }
    const { importances, importances_missing } = await study.summary();
    expect(importances_missing).toBeNull();
    expect(Object.entries(importances[0] ?? {}).toSorted((a, b) => b[1] - a[1])[0]?.[0]).toBe('rate');
  });

  test('refuses what does not fit, and goes on', async () => {
    const { options } = optionsOf([]);
    const study = await start();
    const other = { ...options, sampler: { _target_: 'os.system' } };
    await expect(study.open(other)).rejects.toThrow(
      expect.objectContaining({
        code: 'CROSSCHECK_SEARCH_STUDY',
        message: expect.stringContaining('none of TPESampler'),
      }),
    );
    await study.open({ ...options, study: `one way ${version}` });
    const turned = { ...options, study: `one way ${version}`, directions: ['maximize'] as const };
    await expect(study.open(turned)).rejects.toThrow(/is there with direction/);
    const asked = await study.ask({});
    await study.tell({ trial: asked.trial, state: 'fail', values: null, attrs: {}, again: true });
    const { rate } = optionsOf([], {}, { ...params, rate: 'choice(0.1, 0.5)' }).options.space;
    const relisted = { ...options, study: `one way ${version}`, space: { ...options.space, rate: rate as string } };
    await expect(study.open(relisted)).rejects.toThrow(
      /rate is FloatDistribution.*, not CategoricalDistribution.*study_name/,
    );
    expect((await study.open({ ...options, study: `one way ${version}` })).trials).toBe(1);
    expect((await study.ask({})).params).toEqual(asked.params);
    const qmc = await start('qmc');
    await qmc.open(optionsOf(['hydra/sweeper/sampler=qmc']).options);
    const { trial } = await qmc.ask({});
    await qmc.tell({ trial, state: 'complete', values: [1], attrs: {} });
    await expect(qmc.ask({})).rejects.toThrow(/No module named 'scipy'.*-m pip install scipy/);
    expect((await qmc.summary()).trials.map(({ state }) => state)).toEqual(['complete', 'fail']);
  });

  test('does not end with a Ctrl-C that a terminal sends to all of its processes', async () => {
    const script = path.join(repositoryRoot, 'packages/trainer/python/optuna_study.py');
    const child = spawn(process.env['PYTHON'] as string, ['-u', script], { stdio: ['pipe', 'pipe', 'ignore'] });
    await once(child.stdout, 'data');
    child.kill('SIGINT');
    child.stdin.write('{"op":"nothing"}\n');
    const [answer] = (await once(child.stdout, 'data')) as [Buffer];
    expect(String(answer)).toContain('KeyError');
    child.stdin.end();
    expect(await once(child, 'exit')).toEqual([0, null]);
  });
});

test.each([
  ['no Python', '/nowhere/python', /ENOENT/],
  ['no Optuna', 'python3', /No module named 'optuna'/],
])('a search with %s says how to get it', async (_, python, why) => {
  vi.stubEnv('PYTHON', python);
  const failed = Study.start(path.join(dir, 'missing.log'));
  await expect(failed).rejects.toThrow(why);
  await expect(failed).rejects.toThrow(
    expect.objectContaining({
      code: 'CROSSCHECK_SEARCH_NO_OPTUNA',
      message: expect.stringContaining("install it with: python3 -m pip install 'optuna>=4.9,<6'"),
    }),
  );
  vi.unstubAllEnvs();
});

test('parameters go by as few parts of their names as tell them apart', () => {
  const keys = [
    'training.phases.a.learning_rate',
    'training.phases.b.learning_rate',
    'training.loss.name',
    '+x',
    'model',
  ];
  expect([...shortNames(keys).values()]).toEqual(['a.learning_rate', 'b.learning_rate', 'loss.name', 'x', 'model']);
});
