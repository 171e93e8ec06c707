import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { composeConfig, trainConfigSchema } from '@crosscheck/config';
import { exportArtifact } from '@crosscheck/exporter';
import { temporaryFolder } from '@crosscheck/testkit';
import { openSafetensors } from '@crosscheck/weights';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evaluate } from '../src/evaluate/evaluate.ts';
import { type EvaluationResult } from '../src/evaluate/evaluate-split.ts';
import { dropModalities } from '../src/loop/step/modality-dropout.ts';
import { copyPosts, makePosts, testFolder } from './support/posts.ts';
import { bestCheckpoint, readMetrics, stepLosses } from './support/read-run.ts';
import { quietly, runOf, shortRun, trainHere } from './support/run-train.ts';
import { tinyInput } from './support/tiny-step.ts';

// Posts without a picture or without words, from the CSV to the verdict.
const { dir, remove } = temporaryFolder();
const posts = path.join(dir, 'posts');
const learned = 'model.missing_modality=learned';
beforeAll(() => makePosts(posts));
afterAll(remove);

describe('modality dropout', () => {
  const rates = { image: 0.3, text: 0.2 };
  const drop = (seed: number, size = 2000) => {
    const { hasImage, hasText } = dropModalities(tinyInput(size), rates, seed);
    return { hasImage: [...(hasImage ?? [])], hasText: [...(hasText ?? [])] };
  };

  it('hides pictures and words as often as asked for, and never both of a post', () => {
    const { hasImage, hasText } = drop(1);
    const share = (marks: number[]) => marks.filter((mark) => mark === 0).length / marks.length;
    expect(Math.abs(share(hasImage) - 0.3)).toBeLessThan(0.05);
    expect(Math.abs(share(hasText) - 0.2)).toBeLessThan(0.05);
    expect(hasImage.some((mark, row) => mark === 0 && hasText[row] === 0)).toBe(false);
  });

  it('hides the same parts with the same seed, others with another one', () => {
    expect(drop(1)).toEqual(drop(1));
    expect(drop(2)).not.toEqual(drop(1));
    expect(drop(1, 100).hasImage).toEqual(drop(1).hasImage.slice(0, 100));
  });

  it('keeps what is left of a post that lacks a part already', () => {
    const input = { ...tinyInput(500), hasText: new Float32Array(500) };
    const { hasImage, hasText } = dropModalities(input, { image: 0.5, text: 0.5 }, 1);
    expect(hasImage?.every((mark) => mark === 1)).toBe(true);
    expect(hasText?.every((mark) => mark === 0)).toBe(true);
  });

  it('leaves a batch as it is when nothing is to be hidden', () => {
    const input = tinyInput(4);
    expect(dropModalities(input, { image: 0, text: 0 }, 1)).toBe(input);
  });

  it.each([
    ['without vectors that stand in', ['training.modality_dropout.image=0.1'], /needs model.missing_modality=learned/],
    [
      'of more than every post',
      [learned, 'training.modality_dropout={image:0.6,text:0.6}'],
      /at most 1: a post never loses both/,
    ],
  ])('%s is refused before anything is read', (_, overrides, message) => {
    const compose = () =>
      composeConfig({ configName: 'config', schema: trainConfigSchema, overrides: ['model=tiny', ...overrides] });
    expect(compose).toThrow(message);
  });
});

/** Every fourth post loses its picture, every fourth its words. */
function withoutParts(): string {
  const copy = copyPosts(posts);
  for (const split of ['train', 'val', 'test']) {
    const file = path.join(copy, `${split}.csv`);
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    const changed = lines.map((line, i) => {
      const [id, text, image, ...rest] = line.split(/,(?=(?:[^"]*"[^"]*")*[^"]*$)/);
      if (i > 0 && i % 4 === 1) return [id, text, '', ...rest].join(',');
      return i > 0 && i % 4 === 3 ? [id, '', image, ...rest].join(',') : line;
    });
    writeFileSync(file, `${changed.join('\n')}\n`);
  }
  return copy;
}

// Whole trainings: on a busy machine that adds up.
const slowMs = 180_000;

describe('posts that lack a part', { timeout: slowMs }, () => {
  it('stop a run whose network has nothing to put in their place', async () => {
    const into = testFolder();
    await expect(trainHere(shortRun(withoutParts(), into), { dir: into })).rejects.toMatchObject({
      code: 'CROSSCHECK_DATA_MISSING_IMAGE',
      message: expect.stringContaining('model.missing_modality=learned') as string,
    });
  });

  it('are trained on and evaluated by a network with learned vectors, whatever the config of the evaluation says', async () => {
    const [data, into] = [withoutParts(), testFolder()];
    const run = await trainHere([...shortRun(data, into), learned, 'training.report=true'], { dir: into });
    const file = bestCheckpoint(run.checkpointDir);
    const checkpoint = await openSafetensors(file);
    expect(checkpoint.tensors.get('fusion.no_image')?.shape).toEqual([64]);
    await checkpoint.close();
    const { config } = composeConfig({
      configName: 'config',
      schema: trainConfigSchema,
      overrides: [...shortRun(data, into), `evaluation.checkpoint=${file}`, 'evaluation.resamples=100'],
    });
    const runDir = path.join(into, 'evaluation');
    await quietly(() => evaluate(runOf(config, runDir)));
    const result = JSON.parse(readFileSync(path.join(runDir, 'eval_results.json'), 'utf8')) as EvaluationResult;
    expect([result.rows, result.skipped]).toEqual([32, 0]);

    const artifact = path.join(into, 'artifact');
    await exportArtifact({ checkpoint: file, outputDir: artifact });
    const served = { ...config, evaluation: { ...config.evaluation, checkpoint: artifact, report: false } };
    await quietly(() => evaluate(runOf(served, runDir)));
    const again = JSON.parse(readFileSync(path.join(runDir, 'eval_results.json'), 'utf8')) as EvaluationResult;
    expect([again.rows, again.skipped]).toEqual([32, 0]);
    expect(again.metrics.loss.value).toBeCloseTo(result.metrics.loss.value, 4);
  });

  it('teach the same from cached features as from pixels, dropout of parts included', async () => {
    const data = withoutParts();
    const recipe = [learned, 'training.modality_dropout={image:0.2,text:0.2}', 'model.freeze_vision=true'].concat(
      'model.freeze_text=true',
      'data.augmentation.enabled=false',
      'data.shuffle=false',
    );
    const [a, b] = [testFolder(), testFolder()];
    const cached = await trainHere([...shortRun(data, a), ...recipe], { dir: a });
    const pixels = await trainHere([...shortRun(data, b), ...recipe, 'training.feature_cache.enabled=false'], {
      dir: b,
    });
    const [losses, expected] = [stepLosses(cached.runDir), stepLosses(pixels.runDir)] as [number[], number[]];
    expect(losses).toHaveLength(8);
    for (const [i, loss] of losses.entries()) expect(Math.abs(loss - (expected[i] as number))).toBeLessThan(1e-5);
    const validation = (runDir: string) => readMetrics(runDir).flatMap((line) => line['val/loss'] ?? []) as number[];
    for (const [i, loss] of validation(cached.runDir).entries())
      expect(Math.abs(loss - (validation(pixels.runDir)[i] as number))).toBeLessThan(1e-5);
  });
});
