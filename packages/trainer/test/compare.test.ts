import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { composeConfig } from '@crosscheck/config';
import { repositoryRoot, runEntry, temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { namedRuns } from '../src/compare/arguments.ts';
import { compareRuns } from '../src/compare/compare.ts';
import { namesOf } from '../src/compare/describe.ts';
import { readRun } from '../src/compare/read-run.ts';
import { compareConfigSchema } from '../src/compare/schema.ts';
import { makePosts, testFolder } from './support/posts.ts';
import { shortRun } from './support/run-train.ts';

const root = temporaryFolder();
const posts = path.join(root.dir, 'posts');
const [slow, fast, judged] = ['slow', 'fast', 'judged'].map((name) => path.join(root.dir, name)) as [
  string,
  string,
  string,
];
const settings = compareConfigSchema.parse({ compare: { resamples: 200 } });
const entry = 'packages/trainer/src/bin/compare.ts';

beforeAll(async () => {
  await makePosts(posts);
  const train = async (runDir: string, ...more: string[]) => {
    const overrides = [...shortRun(posts, root.dir), 'training.report=true', `hydra.run.dir=${runDir}`, ...more];
    const { code, stderr } = await runEntry('packages/trainer/src/bin/train.ts', overrides);
    if (code !== 0) throw new Error(stderr);
  };
  await train(slow, 'training.version=slow', 'training.learning_rate=0.0001', 'training.num_epochs=1');
  await train(fast, 'training.version=fast', 'training.learning_rate=0.004');
  const evaluated = await runEntry('packages/trainer/src/bin/evaluate.ts', [
    ...shortRun(posts, root.dir),
    'training.version=fast',
    `hydra.run.dir=${judged}`,
    'evaluation.ablations=false',
  ]);
  if (evaluated.code !== 0) throw new Error(evaluated.stderr);
}, 600_000);
afterAll(root.remove);

const compared = (...folders: [string, string]) => compareRuns([readRun(folders[0]), readRun(folders[1])], settings);

describe('pnpm compare', () => {
  it('takes two run folders as they stand, and leaves a page and figures', async () => {
    const out = path.join(root.dir, 'out');
    const { code, stdout, stderr } = await runEntry(entry, [
      slow,
      fast,
      `hydra.run.dir=${out}`,
      'compare.resamples=200',
    ]);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('fast against slow on val');
    expect(stdout).toContain('On the same 32 posts');
    expect(stdout).toContain('training.learning_rate: 0.0001 → 0.004');
    const figures = JSON.parse(readFileSync(path.join(out, 'compare.json'), 'utf8'));
    const { bothRight, onlyFirstRight, onlySecondRight, bothWrong } = figures.judged.comparison.pairs;
    expect(bothRight + onlyFirstRight + onlySecondRight + bothWrong).toBe(32);
    expect(figures.settings.map(({ key }: { key: string }) => key)).toEqual(
      expect.arrayContaining(['training.version', 'training.learning_rate', 'training.num_epochs']),
    );
    const page = readFileSync(path.join(out, 'compare.html'), 'utf8');
    for (const heading of ['fast against slow on val', 'Curves', 'Settings that differ', 'Data', 'The runs'])
      expect(page).toContain(`>${heading}</h2>`);
  });

  it('gives every metric that the runs have alone, and the posts that only one calls right', () => {
    const { judged: pair, curves } = compared(slow, fast);
    const own = [slow, fast].map((folder) => JSON.parse(readFileSync(path.join(folder, 'val_results.json'), 'utf8')));
    expect(pair?.comparison.metrics.loss.first.value).toBeCloseTo(own[0].metrics.loss.value, 12);
    expect(pair?.comparison.metrics.rocAuc.second.value).toBeCloseTo(own[1].metrics.rocAuc.value, 12);
    expect(curves.map(({ epochs }) => epochs.length)).toEqual([1, 2]);
    const pairs = pair?.comparison.pairs;
    expect(pair?.disagreements).toHaveLength((pairs?.onlyFirstRight ?? 0) + (pairs?.onlySecondRight ?? 0));
  });

  it('compares without pairs, and says so, what was judged on other posts', () => {
    const other = testFolder();
    cpSync(slow, other, { recursive: true });
    const file = path.join(other, 'val_results.json');
    const result = JSON.parse(readFileSync(file, 'utf8'));
    writeFileSync(file, JSON.stringify({ ...result, data: { ...result.data, file: 'another' } }));
    const { judged: pair, warnings, data } = compared(other, fast);
    expect(pair?.comparison.pairs).toBeNull();
    expect(pair?.disagreements).toBeUndefined();
    expect(warnings).toEqual([expect.stringContaining('different CSVs')]);
    expect(data.find(({ key }) => key === 'val')?.values[0]).toContain('another');
  });

  it('refuses what cannot be compared, and says what there is', async () => {
    expect(() => compared(fast, judged)).toThrow(
      expect.objectContaining({
        code: 'CROSSCHECK_COMPARE_NOTHING',
        message: expect.stringMatching(/fast has 2 epochs and verdicts on val, and .*judged has verdicts on test/),
      }),
    );
    expect(() =>
      compareRuns([readRun(slow), readRun(fast)], compareConfigSchema.parse({ compare: { split: 'test' } })),
    ).toThrow(/expected verdicts on compare\.split=test in both runs, but .*slow has val and .*fast has val/);
    expect(() => readRun(path.join(root.dir, 'nothing'))).toThrow(/nothing, got no folder/);
    expect(() => readRun(posts)).toThrow(
      expect.objectContaining({
        code: 'CROSSCHECK_COMPARE_NO_RUN',
        message: expect.stringContaining('a folder without'),
      }),
    );
    const alone = await runEntry(entry, [slow, `hydra.run.dir=${path.join(root.dir, 'alone')}`]);
    expect(alone.code).toBe(1);
    expect(alone.stderr).toMatch(/CROSSCHECK_COMPARE_RUNS: expected two run folders, got .*slow/);
    expect(existsSync(path.join(root.dir, 'alone/compare.html'))).toBe(false);
  });

  it('takes an evaluation by the config of its checkpoint, not by the one it was judged with', () => {
    expect(readRun(judged).config).toMatchObject({ 'training.learning_rate': '0.004', 'model.name': 'tiny' });
    expect(compared(judged, judged).settings).toEqual([]);
  });
});

describe('the command line of compare', () => {
  const flags = new Set(['--config-dir']);
  const configDir = path.join(repositoryRoot, 'configs');
  const runsOf = (...words: string[]) =>
    composeConfig({
      configName: 'config_compare',
      configDir,
      schema: compareConfigSchema,
      overrides: namedRuns(words, flags),
    }).config.compare.runs;

  it.each([
    [['outputs/a', 'outputs/b']],
    [['my run, the first', "it's"]],
    [['multirun/0_x', 'back\\slash\\']],
    [['[list]', '${interpolation}']],
  ])('%j are two folders', (folders) => {
    expect(runsOf(...folders)).toEqual(folders);
  });

  it('tells folders from overrides and from the values of flags', () => {
    expect(namedRuns(['a', '--config-dir', 'c', 'compare.seed=1', 'b'], flags)).toEqual([
      '--config-dir',
      'c',
      'compare.seed=1',
      "compare.runs=['a','b']",
    ]);
    expect(namedRuns(['--help'], flags)).toEqual(['--help']);
  });

  it('names every key in its YAML, with the defaults of the schema', () => {
    const { config } = composeConfig({ configName: 'config_compare', configDir, schema: compareConfigSchema });
    expect(config).toEqual(compareConfigSchema.parse({}));
  });

  it('names runs by as much of their path as it takes', () => {
    expect(namesOf(['x/2026-01-01/10-00', 'x/2026-01-02/10-00'])).toEqual(['2026-01-01/10-00', '2026-01-02/10-00']);
    expect(namesOf(['x/a', 'x/b'])).toEqual(['a', 'b']);
    expect(namesOf(['x/a', 'x/a'])).toEqual(['a (first)', 'a (second)']);
  });
});
