import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { runEntry, temporaryFolder } from '@crosscheck/testkit';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodePng, writeTinyArtifact } from '../../exporter/test/tiny-artifact.ts';
import { explanationToJson, openClassifier, requireBand, withBand } from '../src/index.ts';

// UNSURE: in the band, and only for those who ask for it.
const folder = temporaryFolder();
const { dir } = folder;
const post = { text: 'a flood', image: `${dir}/flood.png` };
let probability: number;
beforeAll(async () => {
  writeFileSync(
    post.image,
    encodePng(30, 20, (x, y) => [x * 8, y * 12, 60]),
  );
  writeFileSync(`${dir}/posts.csv`, 'text_content,image_path\na flood,flood.png\nx,nothing.png\n');
  for (const name of ['first', 'model']) mkdirSync(`${dir}/${name}`);
  await writeTinyArtifact(`${dir}/first`);
  const classifier = await openClassifier(`${dir}/first`, { workers: 1 });
  probability = (await classifier.classify([post]))[0]?.probabilityFake as number;
  await classifier.close();
  await writeTinyArtifact(`${dir}/model`, bandAround(probability));
});
afterAll(folder.remove);

/** A model that is unsure of the post. */
const bandAround = (p: number) => ({ threshold: p, abstainBand: { low: p - 0.01, high: p + 0.01 } });

// Runs beside each other need folders of their own.
let runs = 0;
const infer = (...overrides: string[]) =>
  runEntry('packages/inference/src/bin/infer.ts', [
    `inference.checkpoint.path=${dir}/model`,
    `hydra.run.dir=${dir}/run-${++runs}`,
    ...overrides,
  ]);

const inferPost = (...overrides: string[]) =>
  infer(
    'inference.mode=single',
    `inference.single.image_path=${post.image}`,
    "inference.single.text='a flood'",
    ...overrides,
  );

test('a classifier says what it always said, and UNSURE through withBand', async () => {
  const classifier = await openClassifier(`${dir}/model`, { workers: 1 });
  const [prediction] = await classifier.classify([post]);
  const explanation = await classifier.explain(post);
  await classifier.close();
  const band = requireBand(classifier);
  expect(band).toEqual(bandAround(probability).abstainBand);
  expect(prediction).toMatchObject({ prediction: 'REAL', labelId: 0 });
  const unsure = withBand(prediction as NonNullable<typeof prediction>, band);
  expect(unsure).toEqual({ ...prediction, prediction: 'UNSURE', labelId: -1 });
  expect(withBand(prediction as NonNullable<typeof prediction>, null)).toEqual(prediction);
  expect(explanationToJson(explanation)).toMatchObject({ prediction: 'REAL', label_id: 0 });
  expect(explanationToJson(explanation, band)).toMatchObject({ prediction: 'UNSURE', label_id: -1 });
});

test('a model without a band, and a band beside the threshold, are refused with what to do', async () => {
  const beside = { ...bandAround(probability), threshold: 0.9 };
  const classifier = { artifact: { name: 'm', version: '1' }, ...beside } as never;
  expect(() => requireBand(classifier)).toThrow(/around the threshold 0.9/);
  expect(() => requireBand({ ...beside, artifact: { name: 'm', version: '1' }, abstainBand: null } as never)).toThrow(
    /m 1 has no abstain band; .*pnpm calibrate/,
  );
});

test('inference.output.abstain and .abstain_band: single mode', async () => {
  const asked = 'inference.output.abstain=true';
  const narrow = `inference.output.abstain_band=[${probability - 1e-6},${probability}]`;
  const [own, wide, beside] = await Promise.all([
    inferPost(asked),
    inferPost(asked, 'inference.output.abstain_band=[0,1]', 'inference.output.threshold=0'),
    inferPost(asked, narrow, 'inference.output.threshold=0'),
  ]);
  for (const { stdout } of [own, wide]) expect(stdout).toContain('Prediction: UNSURE');
  expect(beside.stderr).toContain('CROSSCHECK_INFERENCE_BAND_MISPLACED');
}, 180_000);

test('in batch output UNSURE has label −1 and its probability, in CSV and JSON Lines, and is counted', async () => {
  const batch = (output: string, ...more: string[]) =>
    infer(
      'inference.mode=batch',
      `inference.batch.csv_file=${dir}/posts.csv`,
      `inference.batch.root_dir=${dir}`,
      `inference.batch.output_file=${dir}/${output}`,
      ...more,
    );
  const plain = await batch('plain.csv');
  expect(plain.stdout).not.toContain('Unsure');
  const { stdout } = await batch('unsure.csv', 'inference.output.abstain=true');
  expect(stdout).toContain('Predicted REAL: 0\nUnsure: 1\nFailed rows: 1');
  const read = (name: string) => parse(readFileSync(`${dir}/${name}`), { columns: true }) as Record<string, string>[];
  expect(read('plain.csv')[0]).toMatchObject({ prediction: 'REAL', label: '0' });
  expect(read('unsure.csv')).toMatchObject([
    { prediction: 'UNSURE', label: '-1', probability: read('plain.csv')[0]?.['probability'] },
    { prediction: 'ERROR', label: '-1', probability: '-1.0' },
  ]);
  await batch('unsure.jsonl', 'inference.output.abstain=true');
  const [first] = readFileSync(`${dir}/unsure.jsonl`, 'utf8').split('\n');
  expect(JSON.parse(first ?? '')).toMatchObject({ prediction: 'UNSURE', label: -1 });
}, 180_000);
