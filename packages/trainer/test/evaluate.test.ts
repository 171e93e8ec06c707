import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Sample } from '@crosscheck/data';
import { runEntry, temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSplit } from '../src/data/run-data.ts';
import { ablate } from '../src/evaluate/ablations.ts';
import { evaluate } from '../src/evaluate/evaluate.ts';
import type { EvaluationResult } from '../src/evaluate/evaluate-split.ts';
import { openJudge } from '../src/evaluate/open-judge.ts';
import { copyPosts, makePosts, testFolder } from './support/posts.ts';
import { quietly, runOf, shortRun, type TrainedRun, trainHere } from './support/run-train.ts';

const root = temporaryFolder();
const posts = path.join(root.dir, 'posts');
const dir = path.join(root.dir, 'trained');
const artifact = path.join(root.dir, 'artifact');
let trained: TrainedRun;

beforeAll(async () => {
  await makePosts(posts);
  trained = await trainHere(shortRun(posts, dir), { dir });
});
afterAll(root.remove);

const own = (name: string) => [
  ...shortRun(posts, dir),
  `hydra.run.dir=${path.join(root.dir, name)}`,
  'evaluation.resamples=200',
];
const results = (name: string): EvaluationResult =>
  JSON.parse(readFileSync(path.join(root.dir, name, 'eval_results.json'), 'utf8')) as EvaluationResult;

describe('pnpm evaluate', () => {
  it('judges a split: metrics with intervals, checks, ablations and groups, as JSON and CSV', async () => {
    const { code, stdout, stderr } = await runEntry('packages/trainer/src/bin/evaluate.ts', [
      ...own('a'),
      'evaluation.group_column=image_kind',
    ]);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const result = results('a');
    expect(result).toMatchObject({ split: 'test', rows: 32, skipped: 0, version: '1.8', threshold: 0.5 });
    const { tn, fp, fn, tp } = result.confusion;
    expect(tn + fp + fn + tp).toBe(32);
    expect(result.metrics.accuracy.value).toBeCloseTo((tn + tp) / 32, 12);
    for (const { value, low, high } of [result.metrics.accuracy, result.metrics.brier, result.metrics.rocAuc]) {
      expect(low).toBeLessThanOrEqual(value);
      expect(high).toBeGreaterThanOrEqual(value);
    }
    expect(Object.keys(result.checks).toSorted()).toEqual([
      'better_than_random',
      'class_distribution',
      'no_null_predictions',
      'no_null_probabilities',
      'prediction_count',
      'valid_binary_predictions',
      'valid_probability_range',
    ]);
    expect(Object.keys(result.ablations ?? {})).toEqual(['textOnly', 'imageOnly', 'shuffled']);
    expect(result.groups?.rows.reduce((sum, { rows }) => sum + rows, 0)).toBe(32);
    expect(readFileSync(path.join(root.dir, 'a/eval_results.csv'), 'utf8')).toMatch(
      /^metric,value,low,high\naccuracy,/,
    );
    expect(stdout).toContain('text only');
    // Commands to paste are as long as what was typed.
    const [figures = '', next] = stdout.split('Next:');
    expect(Math.max(...figures.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(80);
    expect(next).toMatch(/pnpm calibrate .*\n.*pnpm export /);
  });

  it('gives the same probabilities on the checkpoint and on the artifact that is exported from it', async () => {
    const exported = await runEntry('packages/exporter/src/bin/export.ts', [
      ...own('export'),
      `export.output_dir=${artifact}`,
    ]);
    expect(exported.stderr).toBe('');
    expect(exported.code).toBe(0);
    const { samples } = await readSplit(trained.config, 'test');
    const judgeWith = async (checkpoint: string | null) => {
      const { evaluation } = trained.config;
      const judge = await openJudge({ ...trained.config, evaluation: { ...evaluation, checkpoint } });
      try {
        return await judge.judge(samples);
      } finally {
        await judge.close();
      }
    };
    const [own_, onnx] = [await judgeWith(null), await judgeWith(artifact)];
    expect(onnx.labels).toEqual(own_.labels);
    const differences = own_.probabilities.map((p, i) => Math.abs(p - (onnx.probabilities[i] as number)));
    expect(differences).toHaveLength(32);
    expect(Math.max(...differences)).toBeLessThan(1e-4);
  });

  it('judges the rows of one post together, and refuses a column that is not there', async () => {
    const { evaluation } = trained.config;
    const evaluateWith = (changes: Partial<typeof evaluation>, name: string) => {
      const config = { ...trained.config, evaluation: { ...evaluation, resamples: 100, ablations: false, ...changes } };
      return quietly(() => evaluate(runOf(config, path.join(root.dir, name))));
    };
    await evaluateWith({}, 'rows');
    for (const aggregation of ['mean', 'max'] as const) {
      await evaluateWith({ post_column: 'label', aggregation, group_column: 'label' }, aggregation);
      expect(results(aggregation)).toMatchObject({ rows: 32, posts: 2, skipped: 0 });
      expect(results(aggregation).checks['prediction_count']).toMatchObject({ passed: true });
      expect(results(aggregation).groups?.rows.map(({ rows }) => rows)).toEqual([1, 1]);
    }
    await expect(evaluateWith({ post_column: 'frame' }, 'none')).rejects.toThrow(
      /expected column "frame" \(evaluation\.post_column\) in .*test\.csv, got "id", "text_content"/,
    );
  });

  it('with an artifact leaves out or names a picture that cannot be read', async () => {
    const data = copyPosts(posts);
    const { samples } = await readSplit(
      { ...trained.config, data: { ...trained.config.data, root_dir: data, images_dir_test: data } },
      'test',
    );
    writeFileSync(samples[2]?.imagePath ?? '', 'not a picture');
    const judgeWith = async (onBadSample: 'skip' | 'error') => {
      const { data: dataConfig, evaluation } = trained.config;
      const judge = await openJudge({
        ...trained.config,
        data: { ...dataConfig, on_bad_sample: onBadSample },
        evaluation: { ...evaluation, checkpoint: artifact },
      });
      try {
        return await judge.judge(samples);
      } finally {
        await judge.close();
      }
    };
    expect((await judgeWith('skip')).indices).toHaveLength(31);
    await expect(judgeWith('error')).rejects.toThrow(/test\.csv:4: /);
  });

  it('refuses a folder that is no artifact, and a checkpoint that is not there', async () => {
    const { evaluation } = trained.config;
    const open = (checkpoint: string) => openJudge({ ...trained.config, evaluation: { ...evaluation, checkpoint } });
    await expect(open(testFolder())).rejects.toMatchObject({ code: 'CROSSCHECK_EVALUATION_NO_METADATA' });
    await expect(open('nothing.safetensors')).rejects.toMatchObject({ code: 'CROSSCHECK_CHECKPOINT_NOT_FOUND' });
  });
});

describe('ablations', () => {
  const samples = Array.from({ length: 21 }, (_, i): Sample => {
    const label = i % 3 === 0 ? 1 : 0;
    return { text: `t${i}`, imagePath: `/p${i}`, label, file: 'x.csv', line: i + 2, row: {} };
  });

  it('give every post another one’s picture or words, and leave its label', () => {
    const [textOnly, imageOnly] = [ablate(samples, 'textOnly', 1), ablate(samples, 'imageOnly', 1)];
    for (const [i, sample] of samples.entries()) {
      expect(textOnly[i]).toMatchObject({ text: sample.text, label: sample.label });
      expect(textOnly[i]?.imagePath).not.toBe(sample.imagePath);
      expect(imageOnly[i]).toMatchObject({ imagePath: sample.imagePath, label: sample.label });
      expect(imageOnly[i]?.text).not.toBe(sample.text);
    }
    const used = (list: Sample[], key: 'text' | 'imagePath') => list.map((sample) => sample[key]).toSorted();
    expect(used(textOnly, 'imagePath')).toEqual(used(samples, 'imagePath'));
    expect(used(imageOnly, 'text')).toEqual(used(samples, 'text'));
  });

  it('break pairs among posts of one label only', () => {
    const owner = new Map(samples.map((sample) => [sample.imagePath, sample]));
    for (const [i, { imagePath, label }] of ablate(samples, 'shuffled', 1).entries()) {
      expect(imagePath).not.toBe(samples[i]?.imagePath);
      expect(owner.get(imagePath)?.label).toBe(label);
    }
  });

  it('are the same for the same seed', () => {
    expect(ablate(samples, 'shuffled', 4)).toEqual(ablate(samples, 'shuffled', 4));
    expect(ablate(samples, 'shuffled', 4)).not.toEqual(ablate(samples, 'shuffled', 5));
  });
});
