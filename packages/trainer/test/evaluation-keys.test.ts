import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { composeConfig, type TrainConfig, trainConfigSchema } from '@crosscheck/config';
import { temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { evaluate } from '../src/evaluate/evaluate.ts';
import type { EvaluationResult } from '../src/evaluate/evaluate-split.ts';
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
  expect(readdirSync(path.join(dir, 'bare'))).toEqual(['eval_results.csv', 'eval_results.json']);
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
