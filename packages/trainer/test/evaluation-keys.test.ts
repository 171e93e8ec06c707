import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { composeConfig, type TrainConfig, trainConfigSchema } from '@crosscheck/config';
import { temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { evaluate } from '../src/evaluate/evaluate.ts';
import type { EvaluationResult } from '../src/evaluate/evaluate-split.ts';
import { formatEvaluation, unfairness } from '../src/evaluate/show.ts';
import { readPredictions } from '../src/predictions/predictions-file.ts';
import { makePosts } from './support/posts.ts';
import { quietly, runOf, shortRun, trainHere } from './support/run-train.ts';

// What evaluation.* changes, where no test of its own is about it.
const { dir, remove } = temporaryFolder();
const posts = path.join(dir, 'posts');
let output: string;
beforeAll(async () => {
  await makePosts(posts);
  ({ output } = await trainHere([...shortRun(posts, dir), 'training.num_steps=1', 'model.name=small'], { dir }));
});
afterAll(remove);

async function judge(name: string, ...overrides: string[]): Promise<EvaluationResult> {
  const { config } = composeConfig<TrainConfig>({
    configName: 'config',
    schema: trainConfigSchema,
    overrides: [
      ...shortRun(posts, dir),
      'evaluation.ablations=false',
      'evaluation.resamples=100',
      `evaluation.output_dir=${dir}/${name}`,
      ...overrides,
    ],
  });
  await quietly(() => evaluate(runOf(config, path.join(dir, 'run'))));
  return JSON.parse(readFileSync(path.join(dir, name, 'eval_results.json'), 'utf8')) as EvaluationResult;
}

it('evaluation.split, .threshold, .ablations, .report and .output_dir', async () => {
  const plain = await judge('plain');
  expect(plain).toMatchObject({ split: 'test', rows: 32, threshold: 0.5, ablations: null });
  expect(await judge('train', 'evaluation.split=train')).toMatchObject({ split: 'train', rows: 64 });
  const strict = await judge('strict', 'evaluation.threshold=1', 'evaluation.ablations=true');
  expect(strict).toMatchObject({ threshold: 1, confusion: { tp: 0, fp: 0 } });
  expect(Object.keys(strict.ablations ?? {})).toHaveLength(3);
  expect(existsSync(path.join(dir, 'strict/eval_report.html'))).toBe(true);
  await judge('bare', 'evaluation.report=false');
  expect(readdirSync(path.join(dir, 'bare'))).toEqual(['eval_results.csv', 'eval_results.json', 'predictions.csv']);
});

it('evaluation.id_column names the rows of predictions.csv, once each', async () => {
  await judge('places');
  const places = readPredictions(path.join(dir, 'places/predictions.csv'));
  expect(places).toHaveLength(32);
  expect(places[0]?.id).toBe('test.csv:2');
  await judge('named', 'evaluation.id_column=id');
  const named = readPredictions(path.join(dir, 'named/predictions.csv'));
  expect(named.map(({ probability }) => probability)).toEqual(places.map(({ probability }) => probability));
  expect(named[0]?.id).not.toBe('test.csv:2');
  await expect(judge('alike', 'evaluation.id_column=label')).rejects.toMatchObject({
    code: 'CROSSCHECK_EVALUATION_REPEATED_ID',
  });
});

it('evaluation.compare_with judges another checkpoint on the same posts', async () => {
  const checkpoint = path.join(dir, 'checkpoints/best_model_1.8.safetensors');
  const itself = await judge('itself', `evaluation.compare_with=${checkpoint}`);
  const { comparison } = itself;
  expect(comparison).toMatchObject({ model: checkpoint, posts: 32, pairs: { pValue: 1, onlyFirstRight: 0 } });
  expect(comparison?.metrics.rocAuc.difference).toEqual({ value: 0, low: 0, high: 0 });
  expect(comparison?.usedBefore).toEqual(itself.usedBefore);
  expect(unfairness(itself)).toEqual([]);
  expect(await judge('alone')).toMatchObject({ comparison: null });
});

it('evaluation.compare_with shows differences with intervals and p in 80 columns, and says who has seen the posts', async () => {
  const other = path.join(dir, 'other-training');
  const swapped = [
    `data.train_file=${posts}/test.csv`,
    `data.test_file=${posts}/train.csv`,
    'training.learning_rate=0.01',
  ];
  await trainHere([...shortRun(posts, other), 'model.name=a_rather_long_name', ...swapped], { dir: other });
  const rival = path.join(other, 'checkpoints/best_model_1.8.safetensors');
  const result = await judge('two', `evaluation.compare_with=${rival}`, 'evaluation.ablations=true');
  const text = formatEvaluation(result);
  expect(result).toMatchObject({ usedBefore: [], comparison: { usedBefore: ['training'] } });
  expect(text.replaceAll(/\s+/g, ' ')).toContain(
    'These posts are not the same test for both: the model used them for nothing, the other for training.',
  );
  expect(readFileSync(path.join(dir, 'two/eval_report.html'), 'utf8')).toContain('not the same test for both');
  expect(text).toMatch(/^rocAuc +[\d.]+ +[\d.]+ +[+−]?[\d.]+ \([+−]?[\d.]+ to [+−]?[\d.]+\)$/m);
  expect(text.replaceAll(/\s+/g, ' ')).toMatch(/McNemar’s exact test: p [=<] [\d.]+/);
  const figures = text.split('\n').filter((line) => !line.includes(dir));
  expect(Math.max(...figures.map(({ length }) => length))).toBeLessThanOrEqual(80);
});

it('names the model by the checkpoint, whatever the config composes', async () => {
  const { config } = composeConfig<TrainConfig>({
    configName: 'config',
    schema: trainConfigSchema,
    overrides: [
      `data.root_dir=${posts}`,
      `evaluation.checkpoint=${dir}/checkpoints/best_model_1.8.safetensors`,
      `evaluation.output_dir=${dir}/other`,
      'evaluation.resamples=100',
      'training.version=another',
      'mlflow.enabled=false',
    ],
  });
  expect(config.model.name).toBe('multimodal');
  const { output: printed } = await quietly(() => evaluate(runOf(config, path.join(dir, 'run'))));
  const page = readFileSync(path.join(dir, 'other/eval_report.html'), 'utf8');
  expect(page).toContain('<h1>small on test</h1>');
  expect(page).toContain('version 1.8');
  expect(page).toContain('a small EfficientNet');
  expect(page).not.toMatch(/multimodal(?!_fake_news_detection)/);
  expect(printed).toContain('judged by small 1.8');
  const result = JSON.parse(readFileSync(path.join(dir, 'other/eval_results.json'), 'utf8')) as EvaluationResult;
  expect(result).toMatchObject({ name: 'small', version: '1.8', trained: { config: { model: { name: 'small' } } } });
  expect(result.trained.architecture.text.layers).toBe(2);
});

it('evaluation.resamples', async () => {
  const [some, more] = [await judge('some'), await judge('more', 'evaluation.resamples=300')];
  expect(more.metrics.brier.value).toBe(some.metrics.brier.value);
  expect(more.metrics.brier.low).not.toBe(some.metrics.brier.low);
});

it('evaluation.aggregation', async () => {
  const [mean, max] = [
    await judge('mean', 'evaluation.post_column=label'),
    await judge('max', 'evaluation.post_column=label', 'evaluation.aggregation=max'),
  ];
  expect([mean.posts, max.posts]).toEqual([2, 2]);
  expect(max.metrics.brier.value).not.toBe(mean.metrics.brier.value);
});

it('model.name stands before what a run prints', () => {
  expect(output).toContain('small: 159,255 parameters');
});
