import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import type { Artifact } from '@crosscheck/contract';
import { openClassifier, readArtifact, verifyHashes } from '@crosscheck/inference';
import { runEntry, temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ComparedPost, type ExportReport, exportArtifact } from '../src/index.ts';
import { tinyArchitecture } from './tiny-artifact.ts';
import { writeTinyCheckpoint } from './tiny-checkpoint.ts';
import { writePosts } from './tiny-posts.ts';

type Fidelity = NonNullable<Artifact['fidelity']>;
type Step = NonNullable<Fidelity['steps']>[number];
interface Estimate {
  value: number;
  low: number;
  high: number;
}

const relu6 = {
  ...tinyArchitecture,
  vision: { ...tinyArchitecture.vision, activation: 'relu6', squeezeExcite: false } as const,
};

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
  await writeTinyCheckpoint(`${folder.dir}/relu6.safetensors`, { architecture: relu6 });
  const ofRelu6 = { checkpoint: `${folder.dir}/relu6.safetensors`, outputDir: `${folder.dir}/relu6` };
  reports.relu6 = await exportArtifact({ ...ofRelu6, precision: 'int8', readPosts });
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
    expect(bytes(precision)).toBeLessThan(0.85 * bytes('fp32'));
    const { meanProbabilityDifference, maxProbabilityDifference, changedVerdicts } = comparison as NonNullable<
      typeof comparison
    >;
    const { fidelity } = manifest(precision);
    expect(fidelity).toMatchObject({ posts: 20, meanProbabilityDifference, maxProbabilityDifference, changedVerdicts });
    expect(Object.keys(fidelity.differences)).toEqual(['accuracy', 'rocAuc', 'ece']);
    for (const { value, low, high } of Object.values<Estimate>(fidelity.differences)) {
      expect(low).toBeLessThanOrEqual(value);
      expect(high).toBeGreaterThanOrEqual(value);
    }
    const card = readFileSync(`${folder.dir}/${precision}/README.md`, 'utf8');
    expect(card).toContain(`${precision} against fp32 on 20 posts: mean |Δp| ${meanProbabilityDifference.toFixed(4)}`);
    expect(card).toMatch(
      /- Δ accuracy [+−]0\.\d{3} \([+−]\d\.\d{3} to [+−]\d\.\d{3}\), Δ AUC .*, Δ calibration error .*; paired 95 % intervals/,
    );
    await verifyHashes(await readArtifact(`${folder.dir}/${precision}`));
  },
);

test("int8 is to be had with onnxruntime's fused attention, too", () => {
  const { comparison, artifact } = reports.fused as ExportReport;
  expect(artifact).toMatchObject({ precision: 'int8', operators: 'onnxruntime' });
  expect(comparison?.meanProbabilityDifference).toBeLessThanOrEqual(0.01);
  expect(bytes('fused')).toBeLessThan(0.85 * bytes('fp32'));
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

test('every linear layer of the text network and both projections are in int8; convolutions with SiLU stay in fp32', () => {
  const count = (precision: string, op: string) => {
    const graph = readFileSync(`${folder.dir}/${precision}/multimodal_model.onnx`, 'latin1');
    return graph.split(`\x22${String.fromCharCode(op.length)}${op}`).length - 1; // field op_type, its length, its name
  };
  expect(count('int8', 'MatMulIntegerToFloat')).toBe(2 * 6 + 4); // two text layers and two projections of two
  expect(count('int8', 'Conv')).toBe(count('fp32', 'Conv'));
  expect(count('int8', 'QuantizeLinear')).toBe(2 * 4 + 1 + 4); // once for each value that they read: query, key and value share one, but for the last query
  expect(reports.int8?.artifact.operators).toBe('onnxruntime');
  expect(reports.fp32?.artifact).toMatchObject({ precision: 'fp32', operators: 'standard' });
  expect(manifest('fp32').fidelity).toBeUndefined();
});

test('int8 that holds keeps nothing in fp32, and says so', () => {
  expect(manifest('int8').fidelity.steps).toEqual([
    {
      kept: [],
      meanProbabilityDifference: expect.any(Number),
      clearlyChanged: 0,
      millisecondsPerPost: expect.any(Number),
    },
  ]);
  expect(manifest('int8').fidelity.sensitivity).toBeUndefined();
  const card = readFileSync(`${folder.dir}/int8/README.md`, 'utf8');
  expect(card).toMatch(/- nothing had to stay in fp32: \|Δp\| 0\.\d{4} on the calibration posts/);
});

test.each(['int8', 'relu6'])('%s gives a lone post what it gives the post in a batch', async (name) => {
  const classifier = await openClassifier(`${folder.dir}/${name}`, { workers: 1 });
  const together = await classifier.classify(posts.slice(0, 8));
  for (const [i, post] of posts.slice(0, 8).entries()) {
    const [alone] = await classifier.classify([post]);
    expect(Math.abs((alone?.probabilityFake as number) - (together[i]?.probabilityFake as number))).toBeLessThan(1e-5);
  }
  await classifier.close();
});

test('the convolutions of a ReLU6 network are in integers, but for its stem and first block', () => {
  const graph = readFileSync(`${folder.dir}/relu6/multimodal_model.onnx`, 'latin1');
  for (const block of ['2.0', '2.1'])
    for (const part of ['expand', 'depthwise', 'project'])
      expect(graph).toContain(`vision_branch.backbone.features.${block}.block.${layers[part]}.0.weight.folded/int8`);
  expect(graph).toContain('vision_branch.backbone.features.3.0.weight.folded/int8');
  expect(graph).not.toContain('features.0.0.weight.folded/int8');
  expect(graph).not.toMatch(/features\.1\.0\.block\.\d\.0\.weight\.folded\/int8/);
  expect(reports.relu6?.comparison?.meanProbabilityDifference).toBeLessThanOrEqual(0.01);
});
const layers: Record<string, number> = { expand: 0, depthwise: 1, project: 2 };

test('int8 that moves too much is made again with what moves most in fp32, and says what that was', async () => {
  const sensitive = `${folder.dir}/sensitive.safetensors`;
  await writeTinyCheckpoint(sensitive, { temperature: 0.02, architecture: relu6 });
  const readPosts = async () => ({ calibration: posts.slice(0, 20), comparison: posts.slice(20), evaluation: [] });
  const exportWith = (maxProbabilityDifference: number) =>
    exportArtifact({
      checkpoint: sensitive,
      outputDir: `${folder.dir}/steps`,
      precision: 'int8',
      maxProbabilityDifference,
      readPosts,
    });
  const fidelityOf = async (allowed: number) => (await exportWith(allowed)).artifact.fidelity as Fidelity;
  const [whole] = (await fidelityOf(1)).steps as [Step];
  expect(whole.kept).toEqual([]);
  const fidelity = await fidelityOf(whole.meanProbabilityDifference);
  const [steps, sensitivity] = [fidelity.steps as Step[], fidelity.sensitivity as Record<string, number>];
  const last = steps.at(-1) as Step;
  expect(steps[0]).toMatchObject({ kept: [], meanProbabilityDifference: whole.meanProbabilityDifference });
  expect(last.kept.length).toBeGreaterThan(0);
  expect(last.meanProbabilityDifference).toBeLessThanOrEqual(whole.meanProbabilityDifference / 2);
  expect(fidelity.meanProbabilityDifference).toBeLessThanOrEqual(whole.meanProbabilityDifference);
  expect(Object.keys(sensitivity).sort()).toEqual(
    [
      'projections',
      'text/layer.0',
      'text/layer.1',
      'vision/features.2.0',
      'vision/features.2.1',
      'vision/features.3',
    ].sort(),
  );
  const worst = Object.entries(sensitivity).sort(([, a], [, b]) => b - a)[0]?.[0];
  expect(last.kept).toContain(worst);
  const card = readFileSync(`${folder.dir}/steps/README.md`, 'utf8');
  expect(card).toContain(`- in fp32: ${last.kept[0]} (${sensitivity[last.kept[0] as string]?.toFixed(4)})`);
});

test('a loss that no step mends leaves no artifact behind, and the one that stood there as it was', async () => {
  const before = readFileSync(`${folder.dir}/int8/artifact.json`, 'utf8');
  const readPosts = async () => ({ calibration: posts.slice(0, 20), comparison: posts.slice(20), evaluation: [] });
  const options = { checkpoint, outputDir: `${folder.dir}/int8`, precision: 'int8', readPosts };
  await expect(exportArtifact({ ...options, maxProbabilityDifference: 1e-9 })).rejects.toMatchObject({
    code: 'CROSSCHECK_EXPORT_PRECISION_LOSS',
    message: expect.stringMatching(/on the calibration posts it was 0\.\d{4} with 0.* groups of nodes in fp32/),
  });
  expect(readFileSync(`${folder.dir}/int8/artifact.json`, 'utf8')).toBe(before);
  expect(readdirSync(folder.dir).filter((name) => name.startsWith('.'))).toEqual([]);
});

test('fp16 beyond what is allowed is refused with the numbers', async () => {
  const readPosts = async () => ({ calibration: posts.slice(0, 20), comparison: posts.slice(20), evaluation: [] });
  const options = { checkpoint, outputDir: `${folder.dir}/refused`, precision: 'fp16', readPosts };
  await expect(exportArtifact({ ...options, maxProbabilityDifference: 1e-9 })).rejects.toMatchObject({
    code: 'CROSSCHECK_EXPORT_PRECISION_LOSS',
    message: expect.stringMatching(
      /within 1e-9 .* over 20 comparison posts the mean \|Δp\| is 0\.\d{4}, the largest 0\.\d{4}/,
    ),
  });
  expect(existsSync(`${folder.dir}/refused`)).toBe(false);
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
      'export.max_probability_difference=0.02',
      'data.root_dir=data',
      'data.images_dir_val=data/val',
      'data.images_dir_test=data/test',
    ],
    { cwd: folder.dir },
  );
  expect([stderr, code]).toEqual(['', 0]);
  expect(stdout).toMatch(
    /int8 {5}mean \|Δp\| 0\.\d{4} \(0\.02 allowed\), largest 0\.\d{4}, \d+ of 15 verdicts differ from fp32, accuracy 0\.\d{4} → 0\.\d{4}\n/,
  );
  expect(stdout).toMatch(/Δ accuracy [+−]0\.\d{3} .*paired 95 % intervals\n/);
  expect(stdout).toMatch(/speed {4}\d+\.\d → \d+\.\d ms of processor time per post/);
  expect(stdout).toMatch(/measured accuracy 0\.\d{3} \(0\.\d{3} to \d\.\d{3}\), rocAuc .* on 15 test posts/);
  expect(manifest('cli')).toMatchObject({ precision: 'int8', fidelity: { posts: 15 }, evaluation: { posts: 15 } });
});
