import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import type { Artifact } from '@crosscheck/contract';
import { openClassifier, readArtifact, verifyHashes } from '@crosscheck/inference';
import { runEntry, temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { randomWeights } from '../src/graph/random-weights.ts';
import { type ComparedPost, compareArtifacts, type ExportReport, exportArtifact } from '../src/index.ts';
import { encodePng, tinyArchitecture, writeTinyArtifact } from './tiny-artifact.ts';
import { writeTinyCheckpoint } from './tiny-checkpoint.ts';
import { writePosts } from './tiny-posts.ts';

const folder = temporaryFolder();
const checkpoint = `${folder.dir}/best_model_1.8.safetensors`;
const reports: Record<string, ExportReport> = {};
let posts: ComparedPost[];
beforeAll(async () => {
  await writeTinyCheckpoint(checkpoint);
  posts = ['val', 'test'].flatMap((split) => writePosts(`${folder.dir}/data`, split));
  const [calibration, comparison] = [posts.slice(0, 20), posts.slice(20)];
  const readPosts = async () => ({ calibration, comparison, evaluation: comparison });
  for (const precision of ['fp32', 'fp16', 'int8']) {
    const outputDir = `${folder.dir}/${precision}`;
    reports[precision] = await exportArtifact({ checkpoint, outputDir, precision, readPosts });
  }
  const fused = { precision: 'int8', operators: 'onnxruntime' } as const;
  reports.fused = await exportArtifact({ checkpoint, outputDir: `${folder.dir}/fused`, ...fused, readPosts });
}, 60_000);
afterAll(() => folder.remove());

const manifest = (precision: string) => JSON.parse(readFileSync(`${folder.dir}/${precision}/artifact.json`, 'utf8'));
const bytes = (precision: string) => statSync(`${folder.dir}/${precision}/multimodal_model.onnx.data`).size;

test.each(['fp16', 'int8'])(
  '%s keeps the verdicts of fp32, is smaller, and says what was measured',
  async (precision) => {
    const { comparison, parity, artifact } = reports[precision] as ExportReport;
    expect(parity.maxLogitDifference).toBeLessThanOrEqual(1e-4);
    expect(comparison?.posts).toBe(20);
    expect(comparison?.meanProbabilityDifference).toBeGreaterThan(0);
    expect(comparison?.meanProbabilityDifference).toBeLessThanOrEqual(0.01);
    expect(artifact.precision).toBe(precision);
    expect(bytes(precision)).toBeLessThan(0.75 * bytes('fp32'));
    const { meanProbabilityDifference, maxProbabilityDifference, changedVerdicts } = comparison as NonNullable<
      typeof comparison
    >;
    expect(manifest(precision).fidelity).toEqual({
      posts: 20,
      meanProbabilityDifference,
      maxProbabilityDifference,
      changedVerdicts,
    });
    const card = readFileSync(`${folder.dir}/${precision}/README.md`, 'utf8');
    expect(card).toContain(`${precision} against fp32 on 20 posts: mean |Δp| ${meanProbabilityDifference.toFixed(4)}`);
    await verifyHashes(await readArtifact(`${folder.dir}/${precision}`));
  },
);

test("int8 is to be had with onnxruntime's fused attention, too", () => {
  const { comparison, artifact } = reports.fused as ExportReport;
  expect(artifact).toMatchObject({ precision: 'int8', operators: 'onnxruntime' });
  expect(comparison?.meanProbabilityDifference).toBeLessThanOrEqual(0.01);
  expect(bytes('fused')).toBeLessThan(0.75 * bytes('fp32'));
});

test('the model card has what the folder gave on labelled posts, with intervals, what labels mean and limits', () => {
  for (const precision of ['fp32', 'fp16', 'int8']) {
    const evaluation = (reports[precision] as ExportReport).artifact.evaluation as NonNullable<Artifact['evaluation']>;
    expect(evaluation.posts).toBe(20);
    const { value, low, high } = evaluation.metrics.accuracy as { value: number; low: number; high: number };
    expect(low).toBeLessThan(value);
    expect(high).toBeGreaterThan(value);
    const card = readFileSync(`${folder.dir}/${precision}/README.md`, 'utf8');
    expect(card).toContain(`| accuracy | ${[value, low, high].map((x) => x.toFixed(3)).join(' | ')} |`);
    expect(card).toContain('`0` = REAL, `1` = FAKE');
    expect(card).toContain('## Limits');
    expect(manifest(precision).evaluation).toEqual(evaluation);
  }
});

test('every linear layer and every convolution after the first block is in integers', () => {
  const graph = readFileSync(`${folder.dir}/int8/multimodal_model.onnx`, 'latin1');
  const count = (text: string) => graph.split(text).length - 1;
  expect(count('\x22\rMatMulInteger')).toBe(2 * 6 + 4); // field op_type, 13 characters; two text layers and two projections of two
  expect(graph).toContain('vision/features.2.1/project/Conv/dequantized');
  expect(reports.fp32?.artifact.precision).toBe('fp32');
  expect(manifest('fp32').fidelity).toBeUndefined();
});

test('an int8 artifact gives a lone post nearly what it gives the post in a batch', async () => {
  const classifier = await openClassifier(`${folder.dir}/int8`, { workers: 1 });
  const together = await classifier.classify(posts.slice(0, 8));
  for (const [i, post] of posts.slice(0, 8).entries()) {
    const [alone] = await classifier.classify([post]);
    expect(Math.abs((alone?.probabilityFake as number) - (together[i]?.probabilityFake as number))).toBeLessThan(0.01);
  }
  await classifier.close();
});

test('artifacts whose probabilities differ by more than 0.01 on average are refused with the numbers', async () => {
  const [one, other] = [`${folder.dir}/one`, `${folder.dir}/other`];
  mkdirSync(one);
  mkdirSync(other);
  await writeTinyArtifact(one);
  await writeTinyArtifact(other, { weights: randomWeights(tinyArchitecture, 8) });
  await expect(compareArtifacts(one, other, posts)).rejects.toMatchObject({
    code: 'CROSSCHECK_EXPORT_PRECISION_LOSS',
    message: expect.stringMatching(/over 40 posts the mean \|Δp\| is 0\.\d{4}, the largest 0\.\d{4}/),
  });
});

test('a loss leaves no artifact behind, and the one that stood there as it was', async () => {
  const before = readFileSync(`${folder.dir}/int8/artifact.json`, 'utf8');
  // Calibrated on a black square only, every real picture is out of range; the low temperature makes every logit count.
  const black = `${folder.dir}/black.png`;
  writeFileSync(
    black,
    encodePng(32, 32, () => [0, 0, 0]),
  );
  const readPosts = async () => ({
    calibration: [{ text: '', image: black, label: null }],
    comparison: posts,
    evaluation: [],
  });
  const sensitive = `${folder.dir}/sensitive.safetensors`;
  await writeTinyCheckpoint(sensitive, { temperature: 0.01 });
  await expect(
    exportArtifact({ checkpoint: sensitive, outputDir: `${folder.dir}/int8`, precision: 'int8', readPosts }),
  ).rejects.toMatchObject({ code: 'CROSSCHECK_EXPORT_PRECISION_LOSS' });
  expect(readFileSync(`${folder.dir}/int8/artifact.json`, 'utf8')).toBe(before);
  expect(readdirSync(folder.dir).filter((name) => name.startsWith('.'))).toEqual([]);
});

test('another precision without posts is refused before anything is written', async () => {
  const outputDir = `${folder.dir}/nothing`;
  await expect(exportArtifact({ checkpoint, outputDir, precision: 'int8' })).rejects.toMatchObject({
    code: 'CROSSCHECK_EXPORT_POSTS_MISSING',
  });
  expect(existsSync(outputDir)).toBe(false);
});

test('pnpm export takes its posts from the validation and test CSVs and prints what changed', async () => {
  const { stdout, stderr, code } = await runEntry(
    'packages/exporter/src/bin/export.ts',
    [
      `export.checkpoint=${checkpoint}`,
      'export.output_dir=cli',
      'export.precision=int8',
      'export.calibration_rows=10',
      'export.comparison_rows=15',
      'data.root_dir=data',
      'data.images_dir_val=data/val',
      'data.images_dir_test=data/test',
    ],
    { cwd: folder.dir },
  );
  expect([stderr, code]).toEqual(['', 0]);
  expect(stdout).toMatch(
    /int8 {5}mean \|Δp\| 0\.\d{4} \(0\.01 allowed\), largest 0\.\d{4}, \d+ of 15 verdicts differ from fp32, accuracy 0\.\d{4} → 0\.\d{4}\n/,
  );
  expect(stdout).toMatch(/speed {4}\d+\.\d → \d+\.\d ms of processor time per post/);
  expect(stdout).toMatch(/measured accuracy 0\.\d{3} \(0\.\d{3} to \d\.\d{3}\), rocAuc .* on 15 test posts/);
  expect(manifest('cli')).toMatchObject({ precision: 'int8', fidelity: { posts: 15 }, evaluation: { posts: 15 } });
});
