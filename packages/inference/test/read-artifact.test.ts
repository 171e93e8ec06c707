import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { temporaryFolder } from '@crosscheck/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeTinyArtifact } from '../../exporter/test/tiny-artifact.ts';
import { openClassifier } from '../src/classifier.ts';
import { readArtifact, verifyHashes } from '../src/index.ts';

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(async () => {
  folder = temporaryFolder();
  await writeTinyArtifact(folder.dir);
});
afterEach(() => folder.remove());

const manifest = () => JSON.parse(readFileSync(`${folder.dir}/artifact.json`, 'utf8'));
const rewrite = (value: unknown) => writeFileSync(`${folder.dir}/artifact.json`, JSON.stringify(value));

test('a whole artifact folder is read and its hashes hold', async () => {
  const { artifact, dir } = await readArtifact(folder.dir);
  expect(dir).toBe(folder.dir);
  expect(artifact.labels).toEqual({ 0: 'REAL', 1: 'FAKE' });
  await verifyHashes(await readArtifact(`${folder.dir}/multimodal_model.onnx`));
});

test('a folder without artifact.json says how to make one', async () => {
  rmSync(`${folder.dir}/artifact.json`);
  await expect(readArtifact(folder.dir)).rejects.toMatchObject({
    code: 'CROSSCHECK_ARTIFACT_NOT_FOUND',
    message: expect.stringContaining('pnpm export'),
  });
});

test('artifact.json that is not JSON, lacks a key or swaps the labels is refused', async () => {
  writeFileSync(`${folder.dir}/artifact.json`, '{"formatVersion": 1,');
  await expect(readArtifact(folder.dir)).rejects.toMatchObject({ code: 'CROSSCHECK_ARTIFACT_INVALID' });
});

test('swapped labels are refused by name', async () => {
  rewrite({ ...manifest(), labels: { 0: 'FAKE', 1: 'REAL' } });
  await expect(readArtifact(folder.dir)).rejects.toMatchObject({
    code: 'CROSSCHECK_LABELS_MIXED',
    message: expect.stringMatching(/artifact\.json to mean 0 = REAL and 1 = FAKE, got {"0":"FAKE","1":"REAL"}/),
  });
});

test('a model that says something else about itself than artifact.json is refused', async () => {
  const { preprocessing } = manifest();
  rewrite({ ...manifest(), temperature: 3, preprocessing: { ...preprocessing, maxTokens: 20 } });
  await expect(readArtifact(folder.dir)).rejects.toMatchObject({
    code: 'CROSSCHECK_ARTIFACT_DISAGREES',
    message: expect.stringMatching(
      /max_tokens is 20 in artifact\.json and 24 in the model; temperature is 3 .* and 1 in/,
    ),
  });
});

test('a model of another label meaning is refused, whatever artifact.json says', async () => {
  const file = `${folder.dir}/multimodal_model.onnx`;
  const model = readFileSync(file, 'latin1');
  writeFileSync(file, model.replace('{"0":"REAL","1":"FAKE"}', '{"0":"FAKE","1":"REAL"}'), 'latin1');
  await expect(readArtifact(folder.dir)).rejects.toMatchObject({
    code: 'CROSSCHECK_LABELS_MIXED',
    message: expect.stringContaining('multimodal_model.onnx to mean 0 = REAL'),
  });
});

test('a file that is no ONNX is left to onnxruntime to refuse', async () => {
  writeFileSync(`${folder.dir}/multimodal_model.onnx`, 'no protobuf at all, \x00\xff\xff\xff\xff\xff\xff');
  await expect(readArtifact(folder.dir)).resolves.toMatchObject({ dir: folder.dir });
});

test('a hash list that leaves the model out, or points outside the folder, is refused', async () => {
  const { sha256, ...rest } = manifest();
  rewrite({ ...rest, sha256: {} });
  await expect(readArtifact(folder.dir)).rejects.toThrow('no hash of multimodal_model.onnx');
  rewrite({ ...rest, sha256: { ...sha256, '../elsewhere': 'a' } });
  await expect(readArtifact(folder.dir)).rejects.toThrow('"../elsewhere" is not a plain file name');
});

test('a missing file is named', async () => {
  rmSync(`${folder.dir}/multimodal_model.onnx.data`);
  await expect(readArtifact(folder.dir)).rejects.toMatchObject({
    code: 'CROSSCHECK_ARTIFACT_FILE_MISSING',
    message: expect.stringContaining('multimodal_model.onnx.data'),
  });
});

test('a changed file keeps the classifier from opening, and no worker lingers', async () => {
  appendFileSync(`${folder.dir}/tokenizer.json`, ' ');
  await expect(openClassifier(folder.dir, { workers: 1 })).rejects.toMatchObject({
    code: 'CROSSCHECK_ARTIFACT_HASH_MISMATCH',
    message: expect.stringContaining('tokenizer.json'),
  });
});

test('a picture size that the graph does not have is refused', async () => {
  const artifact = manifest();
  rewrite({ ...artifact, preprocessing: { ...artifact.preprocessing, imageSize: 64 } });
  await expect(readArtifact(folder.dir)).rejects.toThrow(/image_size is 64 in artifact.json and 32 in the model/);
  const file = `${folder.dir}/multimodal_model.onnx`;
  const model = readFileSync(file, 'latin1').replace('image_size\x12\x0232', 'image_size\x12\x0264');
  writeFileSync(file, model, 'latin1');
  await expect(openClassifier(folder.dir, { workers: 1, verifyHashes: false })).rejects.toMatchObject({
    code: 'CROSSCHECK_ARTIFACT_MISMATCH',
    message: expect.stringContaining('[B, 3, 64, 64]'),
  });
});

test('a graph that onnxruntime cannot load gives its reason', async () => {
  writeFileSync(`${folder.dir}/multimodal_model.onnx`, 'not a model');
  await expect(openClassifier(folder.dir, { workers: 1, verifyHashes: false })).rejects.toMatchObject({
    code: 'CROSSCHECK_INFERENCE_MODEL_UNLOADABLE',
  });
});

test('a tokenizer with more words than the model is refused', async () => {
  const artifact = manifest();
  artifact.architecture.text.vocabSize = 10;
  rewrite(artifact);
  await expect(openClassifier(folder.dir, { workers: 1 })).rejects.toMatchObject({
    code: 'CROSSCHECK_ARTIFACT_MISMATCH',
  });
});
