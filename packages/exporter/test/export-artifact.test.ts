import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type Artifact } from '@crosscheck/contract';
import { temporaryBeside } from '@crosscheck/files';
import { openClassifier, readArtifact, selfCheck, verifyHashes } from '@crosscheck/inference';
import { parameterNames } from '@crosscheck/network';
import { temporaryFolder } from '@crosscheck/testkit';
import { writeSafetensors } from '@crosscheck/weights';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { replaceFolder } from '../src/artifact/replace-folder.ts';
import { randomWeights } from '../src/graph/random-weights.ts';
import { type ExportReport, exportArtifact } from '../src/index.ts';
import { encodePng, tinyArchitecture, tinyTokenizerJson } from './tiny-artifact.ts';
import { tinyMetadata, writeTinyCheckpoint } from './tiny-checkpoint.ts';

const folder = temporaryFolder();
const checkpoint = `${folder.dir}/best_model_1.8.safetensors`;
const outputDir = `${folder.dir}/artifact`;
let report: ExportReport;
beforeAll(async () => {
  await writeTinyCheckpoint(checkpoint);
  report = await exportArtifact({ checkpoint, outputDir });
});
afterAll(() => folder.remove());

const read = (name: string) => readFileSync(`${outputDir}/${name}`, 'utf8');
const leftovers = () => readdirSync(folder.dir).filter((name) => name.startsWith('.'));

test('the exported network agrees with the trained one on every fixed sample', () => {
  expect(report.parity.rows.length).toBe(8);
  expect(report.parity.maxLogitDifference).toBeLessThanOrEqual(1e-4);
  const logits = report.parity.rows.map(({ exportedLogit }) => exportedLogit.toFixed(4));
  expect(new Set(logits).size).toBe(4); // four posts, each alone and in the padded batch
});

test('a blank, a usual and an overlong post served from the folder get the trained network’s logits', () => {
  expect(report.served.rows.map(({ sample }) => sample)).toEqual([
    'served post 1 ("")',
    'served post 2 ("A flood in the city,")',
    'served post 3 ("Wildfire burns near ")',
  ]);
  expect(report.served.maxLogitDifference).toBeLessThanOrEqual(1e-4);
  expect(new Set(report.served.rows.map(({ exportedLogit }) => exportedLogit.toFixed(4))).size).toBe(3);
});

test('the folder holds what serving needs, and every hash holds', async () => {
  expect(readdirSync(outputDir).toSorted()).toEqual(
    [
      'README.md',
      'artifact.json',
      'config.json',
      'multimodal_model.onnx',
      'multimodal_model.onnx.data',
      'preprocessor_config.json',
      'tokenizer.json',
      'tokenizer_config.json',
    ].toSorted(),
  );
  const opened = await readArtifact(outputDir);
  await verifyHashes(opened);
  expect(Object.keys(opened.artifact.sha256)).toHaveLength(7);
  expect(leftovers()).toEqual([]);
});

test('artifact.json carries the checkpoint’s labels, preprocessing, threshold, temperature, metrics and source', () => {
  const { threshold, temperature, metrics, preprocessing, architecture, version } = tinyMetadata;
  expect(JSON.parse(read('artifact.json'))).toMatchObject({
    version,
    threshold,
    temperature,
    metrics,
    preprocessing,
    architecture,
    labels: { 0: 'REAL', 1: 'FAKE' },
    precision: 'fp32',
    opset: 18,
    source: { checkpoint: 'best_model_1.8.safetensors', runId: 'abc123' },
    parity: { samples: 8 },
  });
});

test('the folder also reads as a Hugging Face model', () => {
  expect(JSON.parse(read('config.json'))).toMatchObject({
    id2label: { 0: 'REAL', 1: 'FAKE' },
    label2id: { REAL: 0, FAKE: 1 },
  });
  expect(JSON.parse(read('preprocessor_config.json'))).toMatchObject({ size: { height: 32, width: 32 }, resample: 2 });
  expect(read('tokenizer.json')).toBe(tinyTokenizerJson);
  expect(read('README.md')).toContain('| val/accuracy | 0.8421 |');
});

test('the folder classifies', async () => {
  const classifier = await openClassifier(outputDir, { workers: 1 });
  const [verdict] = await classifier.classify([{ text: 'a flood', image: encodePng(9, 9, () => [200, 30, 30]) }]);
  expect(verdict?.probabilityFake).toBeGreaterThan(0);
  await classifier.close();
});

test('artifact.json carries a post and its logit, which the service compares at start', async () => {
  const classifier = await openClassifier(outputDir, { workers: 1 });
  await expect(selfCheck(classifier)).resolves.toBeUndefined();
  const { text, image, logit } = report.artifact.selfCheck as NonNullable<Artifact['selfCheck']>;
  const [other] = await classifier.classify([{ text: `${text} burns`, image: Buffer.from(image, 'base64') }]);
  expect(other?.logit).not.toBeCloseTo(logit, 3);
  await classifier.close();
});

test('a flipped bit in a weight is found, also where the hash was made after it', async () => {
  const damaged = `${folder.dir}/damaged`;
  cpSync(outputDir, damaged, { recursive: true });
  flipBit(`${damaged}/multimodal_model.onnx.data`);
  const judgeAgain = async (change: (manifest: Artifact) => Artifact) => {
    const hash = createHash('sha256')
      .update(readFileSync(`${damaged}/multimodal_model.onnx.data`))
      .digest('hex');
    const sha256 = { ...report.artifact.sha256, 'multimodal_model.onnx.data': hash };
    writeFileSync(`${damaged}/artifact.json`, JSON.stringify(change({ ...report.artifact, sha256 })));
    const classifier = await openClassifier(damaged, { workers: 1, maxQueue: 1 });
    try {
      await selfCheck(classifier);
    } finally {
      await classifier.close();
    }
  };
  await expect(judgeAgain((manifest) => manifest)).rejects.toMatchObject({ code: 'CROSSCHECK_ARTIFACT_SELF_CHECK' });
  // Folders of earlier versions have one sample, and load as before.
  const { more: _, ...one } = report.artifact.selfCheck as NonNullable<Artifact['selfCheck']>;
  await judgeAgain((manifest) => ({ ...manifest, selfCheck: one as NonNullable<Artifact['selfCheck']> }));
});

/** Makes a number 2¹²⁸ times as large, or as small: one whose neuron the first sample leaves at rest. */
function flipBit(file: string): void {
  const bytes = readFileSync(file);
  const at = 4 * Math.floor((23.5 / 24) * (bytes.length / 4));
  bytes.writeUInt8(bytes.readUInt8(at + 3) ^ 0x40, at + 3);
  writeFileSync(file, bytes);
}

test('an export over an artifact replaces it and keeps the files that others put there', async () => {
  writeFileSync(`${outputDir}/artifact.dvc`, 'outs: []');
  await exportArtifact({ checkpoint, outputDir, opset: 20 });
  expect(JSON.parse(read('artifact.json')).opset).toBe(20);
  expect(read('artifact.dvc')).toBe('outs: []');
  expect(leftovers()).toEqual([]);
});

// Two float32 computations of so large numbers cannot agree to 1e-4, and what diverged in training agrees with nothing.
test.each([
  ['fusion.6.weight', 1e6, /worst is ".+": trained logit -?\d+\.?\d*, exported -?\d+\.?\d*, difference \d/],
  ['fusion.6.weight', Number.NaN, /8 of 8 samples do not.*trained logit NaN, exported NaN/],
])(
  'a network that disagrees (%s times %d) is not exported, and the old artifact stays',
  async (name, factor, message) => {
    const weights = randomWeights(tinyArchitecture, 7);
    const tensors = parameterNames(tinyArchitecture)
      .filter(({ dtype }) => dtype === 'F32')
      .map((tensor) => ({
        ...tensor,
        data: async () =>
          (await weights.read(tensor.name)).map((value) => (tensor.name === name ? value * factor : value)),
      }));
    const broken = `${folder.dir}/broken.safetensors`;
    await writeSafetensors(broken, tensors, { crosscheck: JSON.stringify(tinyMetadata) });
    const before = read('artifact.json');
    await expect(exportArtifact({ checkpoint: broken, outputDir })).rejects.toMatchObject({
      code: 'CROSSCHECK_EXPORT_PARITY',
      message: expect.stringMatching(message),
    });
    expect(read('artifact.json')).toBe(before);
    expect(leftovers()).toEqual([]);
  },
);

test('a trained network that is open already is asked in the place of another, and must agree just as much', async () => {
  const before = read('artifact.json');
  const trained = { predictLogits: ({ size }: { size: number }) => new Float32Array(size).fill(7) };
  await expect(exportArtifact({ checkpoint, trained, outputDir })).rejects.toMatchObject({
    code: 'CROSSCHECK_EXPORT_PARITY',
    message: expect.stringContaining('7'),
  });
  expect(read('artifact.json')).toBe(before);
});

test('a failure leaves no folder behind', async () => {
  const target = `${folder.dir}/fresh`;
  const tooLarge = { ...tinyArchitecture, text: { ...tinyArchitecture.text, vocabSize: 20 } };
  const small = `${folder.dir}/small.safetensors`;
  await writeTinyCheckpoint(small, { architecture: tooLarge });
  await expect(exportArtifact({ checkpoint: small, outputDir: target })).rejects.toMatchObject({
    code: 'CROSSCHECK_EXPORT_TOKENIZER_MISMATCH',
  });
  expect(existsSync(target)).toBe(false);
  expect(leftovers()).toEqual([]);
});

test('a folder with other things in it is not touched', async () => {
  const target = `${folder.dir}/thesis`;
  mkdirSync(target);
  writeFileSync(`${target}/chapter.txt`, 'one');
  await expect(exportArtifact({ checkpoint, outputDir: target })).rejects.toMatchObject({
    code: 'CROSSCHECK_EXPORT_OUTPUT_OCCUPIED',
  });
  expect(readdirSync(target)).toEqual(['chapter.txt']);
});

test.each([
  [{ precision: 'int4' }, 'CROSSCHECK_EXPORT_PRECISION_UNSUPPORTED'],
  [{ opset: 17 }, 'CROSSCHECK_EXPORT_OPSET_UNSUPPORTED'],
  [{ opset: 99 }, 'CROSSCHECK_EXPORT_OPSET_UNSUPPORTED'],
  [{ tokenizer: '/nowhere/tokenizer.json' }, 'CROSSCHECK_TOKENIZER_NOT_FOUND'],
  [{ checkpoint: '/nowhere/model.safetensors' }, 'CROSSCHECK_WEIGHTS_NOT_FOUND'],
])('refuses %j with %s', async (change, code) => {
  await expect(exportArtifact({ checkpoint, outputDir, ...change })).rejects.toMatchObject({ code });
});

test('a checkpoint without a tokenizer asks for one, and takes it', async () => {
  const bare = `${folder.dir}/bare.safetensors`;
  await writeTinyCheckpoint(bare, { tokenizer: null });
  const target = `${folder.dir}/from-bare`;
  await expect(exportArtifact({ checkpoint: bare, outputDir: target })).rejects.toMatchObject({
    code: 'CROSSCHECK_EXPORT_TOKENIZER_MISSING',
    message: expect.stringContaining('export.tokenizer'),
  });
  await exportArtifact({ checkpoint: bare, outputDir: target, tokenizer: `${outputDir}/tokenizer.json` });
  expect(existsSync(`${target}/artifact.json`)).toBe(true);
});

test('a file that does not describe itself is refused', async () => {
  const foreign = `${folder.dir}/foreign.safetensors`;
  await writeSafetensors(foreign, [{ name: 'a', dtype: 'F32', shape: [1], data: Float32Array.of(1) }]);
  await expect(exportArtifact({ checkpoint: foreign, outputDir })).rejects.toMatchObject({
    code: 'CROSSCHECK_EXPORT_METADATA_MISSING',
  });
});

test('an export that was killed between its two renames loses nothing: the next one puts back what stood there', async () => {
  const parent = `${folder.dir}/killed`;
  const target = `${parent}/artifact`;
  const left = temporaryBeside(target).replace(/-\d+-([0-9a-f]{8}\.part)$/, '-7-$1'); // of a process that is gone
  mkdirSync(`${left}/old`, { recursive: true });
  writeFileSync(`${left}/old/artifact.json`, 'the only copy');
  const failed = replaceFolder(target, () => Promise.reject(new Error('no space')));
  await expect(failed).rejects.toThrow('no space');
  expect(readdirSync(parent)).toEqual(['artifact']);
  expect(readFileSync(`${target}/artifact.json`, 'utf8')).toBe('the only copy');
});
