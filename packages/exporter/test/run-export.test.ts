import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { runEntry, temporaryFolder } from '@crosscheck/testkit';
import { openSafetensors } from '@crosscheck/weights';
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

test("export.text_backbone receives the text backbone in BERT's names, and writes over nobody else's model", async () => {
  const named = (dir: string) => [
    'export.checkpoint=checkpoints/best_model_1.8.safetensors',
    `export.text_backbone=${dir}`,
  ];
  const { code, stdout } = await runExport('export.output_dir=art5', ...named('bert'));
  expect([code, stdout]).toEqual([0, expect.stringContaining(`text     ${folder.dir}/bert (the text backbone alone`)]);
  const checkpoint = await openSafetensors(`${folder.dir}/checkpoints/best_model_1.8.safetensors`);
  const written = await openSafetensors(`${folder.dir}/bert/model.safetensors`);
  const query = 'encoder.layer.0.attention.self.query.weight';
  expect(await written.read(query)).toEqual(
    await checkpoint.read('text_branch.backbone.transformer.layer.0.attention.q_lin.weight'),
  );
  await Promise.all([checkpoint.close(), written.close()]);
  expect(JSON.parse(readFileSync(`${folder.dir}/bert/config.json`, 'utf8'))).toMatchObject({ model_type: 'bert' });
  expect((await runExport('export.output_dir=art5', ...named('bert'))).code).toBe(0);
  const refused = await runExport('export.output_dir=art6', ...named('checkpoints'));
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('CROSSCHECK_EXPORT_OUTPUT_OCCUPIED')]);
  expect(existsSync(`${folder.dir}/art6`)).toBe(false); // before the artifact is written
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
