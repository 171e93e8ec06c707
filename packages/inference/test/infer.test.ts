import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type Finished, repositoryRoot, runEntry, temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodePng, writeTinyArtifact } from '../../exporter/test/tiny-artifact.ts';
import { writeTinyCheckpoint } from '../../exporter/test/tiny-checkpoint.ts';
import { openClassifier } from '../src/index.ts';

const folder = temporaryFolder();
beforeAll(async () => {
  await writeTinyArtifact(folder.dir);
  writeFileSync(
    `${folder.dir}/flood.png`,
    encodePng(30, 20, (x, y) => [x * 8, y * 12, 60]),
  );
  const rows = Array.from({ length: 25 }, (_, i) => `"a flood, number ${i}",flood.png,${i % 2}`);
  writeFileSync(`${folder.dir}/posts.csv`, `text_content,image_path,label\n${rows.join('\n')}\nx,nothing.png,0\n`);
});
afterAll(() => folder.remove());

const run = (overrides: string[], env: Record<string, string> = {}) =>
  runEntry('packages/inference/src/bin/infer.ts', overrides, { cwd: folder.dir, env });

/** Runs `pnpm infer` in the temporary folder, which is its home, too. */
function infer(...overrides: string[]): Promise<Finished> {
  const home = { HOME: folder.dir, XDG_CACHE_HOME: `${folder.dir}/.cache`, CI: '' };
  return run([`inference.checkpoint.path=${folder.dir}`, ...overrides], home);
}

const single = () => [
  'inference.mode=single',
  `inference.single.image_path=${folder.dir}/flood.png`,
  "inference.single.text='a flood'",
];

test('single mode prints the original’s lines', async () => {
  const { stdout, stderr, code } = await infer(...single());
  const classifier = await openClassifier(folder.dir, { workers: 1 });
  const [verdict] = await classifier.classify([{ text: 'a flood', image: `${folder.dir}/flood.png` }]);
  await classifier.close();
  expect(stdout.split('\n')).toEqual([
    '=== Single Sample Prediction ===',
    `Image: ${folder.dir}/flood.png`,
    'Text: a flood',
    '=== Results ===',
    `Prediction: ${verdict?.prediction}`,
    `Probability (Fake): ${verdict?.probabilityFake.toFixed(4)}`,
    `Confidence: ${verdict?.confidence.toFixed(4)}`,
    'Inference completed successfully!',
    '',
  ]);
  expect([stderr, code]).toEqual(['', 0]);
});

test('the output switches leave lines out, and the threshold can be overridden', async () => {
  const switches = ['verbose', 'save_probabilities', 'save_confidence'].map((name) => `inference.output.${name}=false`);
  const { stdout } = await infer(...single(), ...switches, 'inference.output.threshold=0.999');
  expect(stdout).toBe('Prediction: REAL\n');
});

test('explain=true says why and puts the heat map and all numbers into the run folder', async () => {
  const { stdout, stderr, code } = await infer(...single(), 'inference.explain=true', 'hydra.run.dir=why');
  expect([stderr, code]).toEqual(['', 0]);
  expect(stdout).toMatch(/^Share of the verdict: picture \d+ % \([+−]\d+\.\d\d\), words \d+ %/m);
  expect(stdout).toMatch(/^Words for (FAKE|REAL): (a|flood) [+−]\d/m);
  const explanation = JSON.parse(readFileSync(`${folder.dir}/why/explanation.json`, 'utf8'));
  expect(stdout).toContain(`Probability (Fake): ${explanation.probability_fake.toFixed(4)}`);
  expect(explanation.heat_map.values).toHaveLength(explanation.heat_map.rows);
  expect(readFileSync(`${folder.dir}/why/explanation.png`).subarray(1, 4).toString()).toBe('PNG');
});

test('onnxruntime leaves no trace of telemetry in the user’s home', async () => {
  await infer(...single());
  // What is there is ours: the graph as it was rewritten for this processor.
  expect(readdirSync(`${folder.dir}/.cache`)).toEqual(['crosscheck']);
  expect(readdirSync(`${folder.dir}/.cache/crosscheck`)).toEqual(['graphs']);
});

test('batch mode writes the verdicts, sums them up, and reports bad rows on stderr with file and line', async () => {
  const output = `${folder.dir}/verdicts.csv`;
  const { stdout, stderr, code } = await infer(
    `inference.batch.csv_file=${folder.dir}/posts.csv`,
    `inference.batch.output_file=${output}`,
    'inference.batch.root_dir=null',
    'inference.batch.n_rows=-1',
  );
  expect(code).toBe(0);
  const lines = readFileSync(output, 'utf8').trimEnd().split('\n');
  expect(lines).toHaveLength(27);
  expect(lines[0]).toBe('text_content,image_path,true_label,prediction,label,probability,confidence');
  expect(lines[1]).toMatch(/^"a flood, number 0",flood\.png,0,(REAL,0|FAKE,1),0\.\d+,0\.\d+$/);
  expect(lines[26]).toBe('x,nothing.png,0,ERROR,-1,-1.0,-1.0');
  expect(stdout).toMatch(
    /=== Prediction Summary ===\nTotal samples: 26\nPredicted FAKE: \d+\nPredicted REAL: \d+\nFailed rows: 1\nAverage confidence: 0\.\d{4}\n/,
  );
  expect(stderr).toContain(`${folder.dir}/posts.csv:27: `);
  expect(stderr).toContain('nothing.png');
});

test('resume=true goes on from a half-written output or says why it cannot', async () => {
  writeFileSync(`${folder.dir}/half.csv.partial`, 'text_content,image_path\nx,y\n');
  const batch = [
    `inference.batch.csv_file=${folder.dir}/posts.csv`,
    `inference.batch.output_file=${folder.dir}/half.csv`,
    'inference.batch.root_dir=null',
  ];
  const resumed = await infer(...batch, 'inference.batch.resume=true');
  expect(resumed.stderr).toContain('CROSSCHECK_INFER_RESUME_MISMATCH');
  expect(existsSync(`${folder.dir}/half.csv`)).toBe(false);
  const anew = await infer(...batch);
  expect(anew.stdout).toContain('Total samples: 26');
  expect(existsSync(`${folder.dir}/half.csv.partial`)).toBe(false);
});

test('a checkpoint is exported once into a folder beside it, and again when it changes', async () => {
  const checkpoint = `${folder.dir}/it's a model.safetensors`;
  const inferCheckpoint = () =>
    run([...single(), `inference.checkpoint.path="${checkpoint.replace('.safetensors', '.pth')}"`]);
  const sourceOf = () => JSON.parse(readFileSync(`${folder.dir}/it's a model-artifact/artifact.json`, 'utf8'));
  await writeTinyCheckpoint(checkpoint);
  const first = await inferCheckpoint();
  expect(first.stderr).toContain(', once');
  expect(first.stdout).toMatch(/^=== Single Sample Prediction ===\n[^]*Prediction: (REAL|FAKE)\n/);
  const { createdAt } = sourceOf();
  expect((await inferCheckpoint()).stderr).toBe('');
  expect(sourceOf().createdAt).toBe(createdAt);
  await writeTinyCheckpoint(checkpoint, { version: '1.9' });
  await inferCheckpoint();
  expect(sourceOf().version).toBe('1.9');
});

test.each([
  [['inference.mode=single', 'inference.single.image_path=nowhere.jpg'], 'CROSSCHECK_INFER_INPUT_NOT_FOUND'],
  [['inference.batch.csv_file=nowhere.csv'], 'CROSSCHECK_DATA_NOT_FOUND'],
  [['inference.checkpoint.path=nowhere'], 'CROSSCHECK_ARTIFACT_NOT_FOUND'],
  [['inference.checkpoint.path=best_model_1.7.pth'], 'CROSSCHECK_INFER_INPUT_NOT_FOUND'],
])('%j fails with %s and no stack trace', async (overrides, code) => {
  const { stderr, code: exitCode } = await infer(...overrides);
  expect(stderr).toContain(code);
  expect(stderr).not.toContain('    at ');
  expect(exitCode).not.toBe(0);
});

test('runs outside the repository leave only their run folder', () => {
  expect(existsSync(`${folder.dir}/outputs`)).toBe(true);
  expect(existsSync(`${repositoryRoot}/verdicts.csv`)).toBe(false);
});
