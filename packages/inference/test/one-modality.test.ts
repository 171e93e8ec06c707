import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Architecture } from '@crosscheck/contract';
import { runEntry, temporaryFolder } from '@crosscheck/testkit';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { randomWeights } from '../../exporter/src/graph/random-weights.ts';
import { encodePng, tinyArchitecture, writeTinyArtifact } from '../../exporter/test/tiny-artifact.ts';
import { type Classifier, openClassifier, type Post } from '../src/index.ts';

// Posts without a picture or without words, where the model was trained for them.
const [trained, plain] = [temporaryFolder(), temporaryFolder()];
const architecture: Architecture = { ...tinyArchitecture, missingModality: 'learned' };
let classifier: Classifier;
let needsBoth: Classifier;
beforeAll(async () => {
  await writeTinyArtifact(trained.dir, { architecture, weights: randomWeights(architecture, 7) });
  await writeTinyArtifact(plain.dir);
  [classifier, needsBoth] = [
    await openClassifier(trained.dir, { workers: 1 }),
    await openClassifier(plain.dir, { workers: 1 }),
  ];
  writeFileSync(`${trained.dir}/a.png`, picture(1));
});
afterAll(async () => {
  await Promise.all([classifier.close(), needsBoth.close()]);
  for (const folder of [trained, plain]) folder.remove();
});

const picture = (seed: number) => encodePng(40, 30, (x, y) => [(x * seed) % 256, (y * 3 * seed) % 256, 90]);
const whole: Post = { text: 'a wildfire burns near the city', image: picture(1) };
const textOnly: Post = { ...whole, image: null };
const imageOnly: Post = { ...whole, text: ' ' };

test('are judged, flagged, and the same alone or beside whole posts', async () => {
  const alone = await Promise.all([whole, textOnly, imageOnly].map((post) => classifier.classify([post])));
  const together = await classifier.classify([whole, textOnly, imageOnly, whole]);
  expect(together.map(({ modalities }) => modalities)).toEqual([undefined, ['text'], ['image'], undefined]);
  expect(Object.keys(together[0] as object)).not.toContain('modalities');
  const logits = alone.flat().map(({ logit }) => logit);
  for (const [i, logit] of logits.entries()) expect(together[i]?.logit).toBeCloseTo(logit, 5);
  expect(new Set(logits.map((logit) => logit.toFixed(4))).size).toBe(3);
  expect(logits.every(Number.isFinite)).toBe(true);
});

test('depend on what is there alone', async () => {
  const [a, b] = await classifier.classify([imageOnly, { ...imageOnly, image: picture(5) }]);
  expect(a?.logit).not.toBeCloseTo(b?.logit as number, 4);
  const [c, d] = await classifier.classify([textOnly, { ...textOnly, text: 'calm snow' }]);
  expect(c?.logit).not.toBeCloseTo(d?.logit as number, 4);
});

test('without both parts, and without a part that the model needs, are refused with what to do', async () => {
  await expect(classifier.classify([{ text: '', image: null }])).rejects.toThrow(/got neither; send at least one/);
  await expect(needsBoth.classify([textOnly])).rejects.toMatchObject({
    code: 'CROSSCHECK_INFERENCE_POST_INCOMPLETE',
    message: expect.stringMatching(/needs a picture and words.*model.missing_modality=learned/),
  });
  const [blank] = await needsBoth.classify([imageOnly]);
  expect(blank?.modalities).toBeUndefined();
});

test('are explained by the part that they have', async () => {
  const words = await classifier.explain(textOnly);
  expect(words.prediction).toMatchObject({ modalities: ['text'] });
  expect(words.heatMap).toEqual({ rows: 0, columns: 0, values: [] });
  expect(words.wordWeights).toHaveLength(6);
  expect(words.picture.contribution).toBe(0);
  expect(words.words.share).toBe(1);
  const shown = await classifier.explain(imageOnly);
  expect(shown.wordWeights).toEqual([]);
  expect(shown.heatMap.rows).toBeGreaterThan(2);
  expect(shown.words.contribution).toBe(0);
  const [alone] = await classifier.classify([textOnly]);
  const both = await classifier.explain(whole);
  expect(both.words.alone.logit).toBeCloseTo(alone?.logit as number, 4);
});

test('pnpm infer takes a post with one part, and files in which some posts lack one', async () => {
  const infer = (...overrides: string[]) =>
    runEntry('packages/inference/src/bin/infer.ts', [
      `inference.checkpoint.path=${trained.dir}`,
      `hydra.run.dir=${trained.dir}/run`,
      ...overrides,
    ]);
  const single = await infer(
    'inference.mode=single',
    'inference.single.image_path=null',
    "inference.single.text='a flood'",
    'inference.explain=true',
  );
  expect(single.stderr).toBe('');
  expect(single.stdout).toContain('Image: none');
  expect(single.stdout).toContain('Judged by: text alone');
  expect(existsSync(`${trained.dir}/run/explanation.png`)).toBe(false);

  writeFileSync(`${trained.dir}/in.csv`, 'text_content,image_path\na flood,a.png\na flood,\n,a.png\n,\n');
  const batch = await infer(
    'inference.mode=batch',
    `inference.batch.csv_file=${trained.dir}/in.csv`,
    `inference.batch.root_dir=${trained.dir}`,
    `inference.batch.output_file=${trained.dir}/out.csv`,
  );
  expect(batch.stderr).toContain('got neither');
  const rows = parse(readFileSync(`${trained.dir}/out.csv`), { columns: true }) as Record<string, string>[];
  expect(rows.map(({ modalities }) => modalities)).toEqual(['image+text', 'text', 'image', '']);
  expect(rows.map(({ prediction }) => prediction === 'ERROR')).toEqual([false, false, false, true]);
}, 180_000);
