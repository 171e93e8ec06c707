import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { runEntry, temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tinyTokenizerJson } from './tiny-artifact.ts';
import { writeTinyCheckpoint } from './tiny-checkpoint.ts';

const folder = temporaryFolder();
beforeAll(async () => {
  mkdirSync(`${folder.dir}/checkpoints`);
  await writeTinyCheckpoint(`${folder.dir}/checkpoints/best_model_1.8.safetensors`);
});
afterAll(() => folder.remove());

const runExport = (...overrides: string[]) =>
  runEntry('packages/exporter/src/bin/export.ts', overrides, { cwd: folder.dir });

test('exports the best checkpoint of the training folder and says where to go next', async () => {
  const { stdout, code } = await runExport(
    'training.version=1.8',
    'training.checkpoint_dir=checkpoints',
    'export.output_dir=art',
  );
  expect(code).toBe(0);
  expect(stdout).toContain(`Exported ${folder.dir}/checkpoints/best_model_1.8.safetensors`);
  expect(stdout).toMatch(/parity {3}max \|Δlogit\| \d\.\de-\d+ over 8 samples/);
  expect(stdout).toContain('pnpm serve serve.artifact=art');
  expect(JSON.parse(readFileSync(`${folder.dir}/art/artifact.json`, 'utf8')).version).toBe('1.8');
});

test('takes export.tokenizer and export.opset in place of the usual ones', async () => {
  const exchanged = tinyTokenizerJson.replace('"flood"', '"X"').replace('"calm"', '"flood"').replace('"X"', '"calm"');
  writeFileSync(`${folder.dir}/other.json`, exchanged);
  const { code } = await runExport(
    'export.checkpoint=checkpoints/best_model_1.8.safetensors',
    'export.output_dir=art3',
    'export.tokenizer=other.json',
    'export.opset=19',
  );
  expect(code).toBe(0);
  expect(JSON.parse(readFileSync(`${folder.dir}/art3/artifact.json`, 'utf8')).opset).toBe(19);
  const { vocab } = JSON.parse(readFileSync(`${folder.dir}/art3/tokenizer.json`, 'utf8')).model;
  expect(vocab).toEqual(JSON.parse(exchanged).model.vocab);
});

test("export.operators=onnxruntime writes onnxruntime's fused operators, and the gate compares them as always", async () => {
  const { code, stdout } = await runExport(
    'export.checkpoint=checkpoints/best_model_1.8.safetensors',
    'export.output_dir=art4',
    'export.operators=onnxruntime',
  );
  expect(code).toBe(0);
  expect(stdout).toMatch(/parity {3}max \|Δlogit\| \d\.\de-/);
  expect(JSON.parse(readFileSync(`${folder.dir}/art4/artifact.json`, 'utf8')).operators).toBe('onnxruntime');
  expect(readFileSync(`${folder.dir}/art4/multimodal_model.onnx`, 'latin1')).toContain('com.microsoft');
});

test('a .pth name means our file of the same stem', async () => {
  const { stdout, code } = await runExport(
    'export.checkpoint=checkpoints/best_model_1.8.pth',
    'export.output_dir=art2',
  );
  expect(stdout).toContain('best_model_1.8.safetensors');
  expect(code).toBe(0);
});

test('a checkpoint that is not there is named with those that are', async () => {
  const { stderr, code } = await runExport('training.version=9.9', 'training.checkpoint_dir=checkpoints');
  expect(stderr).toContain('CROSSCHECK_CHECKPOINT_NOT_FOUND');
  expect(stderr).toContain('best_model_1.8.safetensors');
  expect(code).not.toBe(0);
});
