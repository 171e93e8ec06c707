import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createRandom, defaultPreprocessing, isCrosscheckError } from '@crosscheck/contract';
import { captionVocabulary, renderScene, sceneKinds, writeCaption } from '@crosscheck/demo';
import { buildBertTokenizerJson, createTokenizer, decodeImage, normalizeImage } from '@crosscheck/preprocess';
import { difference, repositoryRoot, temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  augment,
  createLoader,
  defaultAugmentation,
  type LoadedBatch,
  type LoaderOptions,
  type Sample,
} from '../src/index.ts';

const preprocessing = { ...defaultPreprocessing, imageSize: 32, maxTokens: 24 };
const imageLength = 32 * 32 * 3;
const vocabulary = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', ...captionVocabulary()];
const tokenizer = createTokenizer(buildBertTokenizerJson(vocabulary), preprocessing);

const { dir, remove } = temporaryFolder();
const samples: Sample[] = [];
afterAll(remove);
beforeAll(async () => {
  mkdirSync(path.join(dir, 'images'));
  for (let i = 0; i < 23; i++) {
    const kind = sceneKinds[i % sceneKinds.length] as (typeof sceneKinds)[number];
    const imagePath = path.join(dir, `images/${i}.jpg`);
    writeFileSync(imagePath, await renderScene(kind, createRandom(1, i), 60));
    const text = writeCaption(kind, createRandom(2, i));
    samples.push({ text, imagePath, label: i % 2 === 0 ? 0 : 1, file: 'posts.csv', line: i + 2, row: {} });
  }
});

const defaults = (): LoaderOptions => ({
  samples,
  tokenizer,
  preprocessing,
  batchSize: 5,
  shuffle: true,
  seed: 11,
  augmentation: defaultAugmentation,
});

async function collect(options: Partial<LoaderOptions> = {}, epochs = [0], startBatch = 0): Promise<LoadedBatch[]> {
  const loader = createLoader({ ...defaults(), ...options });
  const batches: LoadedBatch[] = [];
  try {
    for (const epoch of epochs) for await (const batch of loader.batches(epoch, startBatch)) batches.push(batch);
  } finally {
    await loader.close();
  }
  return batches;
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  return isCrosscheckError(error) ? `${error.code}: ${error.message}` : `no Crosscheck error: ${String(error)}`;
}

test('a batch holds the pictures, token ids, mask and labels of its samples', async () => {
  const [batch] = (await collect({ shuffle: false, augmentation: null })) as [LoadedBatch];
  expect([...batch.indices]).toEqual([0, 1, 2, 3, 4]);
  expect([...batch.label]).toEqual([0, 1, 0, 1, 0]);
  expect(batch).toMatchObject({ size: 5, position: 0 });
  for (const [row, index] of batch.indices.entries()) {
    const sample = samples[index] as Sample;
    const expected = new Float32Array(imageLength);
    normalizeImage(await decodeImage(sample.imagePath, { size: 32 }), preprocessing, 'nhwc', expected);
    expect(difference(batch.image.subarray(row * imageLength, (row + 1) * imageLength), expected).maxAbs).toBe(0);
    const ids = tokenizer.encode(sample.text);
    const padding = Array.from({ length: batch.length - ids.length }, () => 0);
    const cells = [row * batch.length, (row + 1) * batch.length] as const;
    expect([...batch.inputIds.subarray(...cells)]).toEqual([...ids, ...padding]);
    expect([...batch.attentionMask.subarray(...cells)]).toEqual([...ids.map(() => 1), ...padding]);
  }
});

test('augmentation depends on seed, epoch and sample, not on the place in the batch', async () => {
  const [batch] = (await collect({}, [3])) as [LoadedBatch];
  const index = batch.indices[2] as number;
  const pixels = await decodeImage((samples[index] as Sample).imagePath, { size: 32 });
  const expected = new Float32Array(imageLength);
  normalizeImage(
    augment(pixels, 32, defaultAugmentation, createRandom(11, 'augment', 3, index)),
    preprocessing,
    'nhwc',
    expected,
  );
  expect(difference(batch.image.subarray(2 * imageLength, 3 * imageLength), expected).maxAbs).toBe(0);
});

test('an epoch holds every sample once, in an order that the seed and the epoch fix', async () => {
  const order = async (options: Partial<LoaderOptions>, epoch: number) =>
    (await collect(options, [epoch])).flatMap(({ indices }) => [...indices]);
  const first = await order({}, 0);
  expect([...first].sort((a, b) => a - b)).toEqual(samples.map((_, i) => i));
  expect(await order({}, 0)).toEqual(first);
  expect(await order({}, 1)).not.toEqual(first);
  expect(await order({ seed: 12 }, 0)).not.toEqual(first);
  expect(await order({ shuffle: false }, 1)).toEqual(samples.map((_, i) => i));
});

test('the last batch is smaller, or left out with dropLast', async () => {
  expect((await collect()).map(({ size }) => size)).toEqual([5, 5, 5, 5, 3]);
  expect((await collect({ dropLast: true })).map(({ size }) => size)).toEqual([5, 5, 5, 5]);
  const loader = createLoader({ ...defaults(), dropLast: true });
  expect(loader.batchesPerEpoch).toBe(4);
});

test('a batch is as long as its longest text, rounded up to the multiple and never above the limit', async () => {
  const longest = ({ indices }: LoadedBatch) =>
    Math.max(...[...indices].map((i) => tokenizer.encode((samples[i] as Sample).text).length));
  for (const batch of await collect({ lengthMultiple: 1 })) expect(batch.length).toBe(longest(batch));
  for (const batch of await collect({ lengthMultiple: 8 }))
    expect(batch.length).toBe(Math.ceil(longest(batch) / 8) * 8);
  for (const batch of await collect({ lengthMultiple: 64 })) expect(batch.length).toBe(preprocessing.maxTokens);
});

test.each([1, 2, 3])(
  '%d workers give the same batches as none, also in epochs that read from the cache',
  async (workers) => {
    const pixelCache = { dir: path.join(dir, `cache-${workers}`), maxBytes: 2 ** 20 };
    expect(await collect({ workers, pixelCache }, [0, 1, 2])).toEqual(await collect({ workers: 0 }, [0, 1, 2]));
  },
);

test.each([0, 2])(
  'entering an epoch at any batch gives its remaining batches bit for bit (%d workers)',
  async (workers) => {
    const whole = await collect({ workers }, [4]);
    for (const start of [1, 3, 4]) expect(await collect({ workers }, [4], start)).toEqual(whole.slice(start));
    expect(await collect({ workers }, [4], 5)).toEqual([]);
  },
);

function plantCorrupt(...positions: number[]): Sample[] {
  return samples.map((sample, i) => {
    if (!positions.includes(i)) return sample;
    const imagePath = path.join(dir, `corrupt-${i}.jpg`);
    writeFileSync(imagePath, '<html>404 Not Found</html>');
    return { ...sample, imagePath };
  });
}

test.each([0, 2])(
  'with skip, corrupt pictures leave their batches, are counted once, and change nothing else (%d workers)',
  async (workers) => {
    const corrupt = plantCorrupt(3, 7, 8);
    const clean = await collect({ workers }, [0, 1]);
    const loader = createLoader({ ...defaults(), samples: corrupt, workers, onBadSample: 'skip' });
    const batches: LoadedBatch[] = [];
    for (const epoch of [0, 1]) for await (const batch of loader.batches(epoch)) batches.push(batch);
    await loader.close();
    const expected = clean.map(({ indices }) => [...indices].filter((i) => ![3, 7, 8].includes(i)));
    expect(batches.map(({ indices }) => [...indices])).toEqual(expected);
    expect(
      batches.every((batch) => batch.image.length === batch.size * imageLength && batch.label.length === batch.size),
    ).toBe(true);
    expect(loader.problems.map(({ line }) => line).sort((a, b) => a - b)).toEqual([5, 9, 10]);
    expect(loader.problems[0]).toMatchObject({ file: 'posts.csv', code: 'CROSSCHECK_IMAGE_UNSUPPORTED' });
    expect(loader.problems[0]?.message).toMatch(/^posts\.csv:\d+: .*corrupt-\d\.jpg/);
  },
);

test.each([0, 1])('with error, a corrupt picture stops the epoch with file and line (%d workers)', async (workers) => {
  const error = await codeOf(collect({ samples: plantCorrupt(6), workers }));
  expect(error).toMatch(/^CROSSCHECK_IMAGE_UNSUPPORTED: posts\.csv:8: .*corrupt-6\.jpg/);
});

test('a batch without a readable picture is left out and keeps its position free', async () => {
  const batches = await collect({ samples: plantCorrupt(5, 6, 7, 8, 9), shuffle: false, onBadSample: 'skip' });
  expect(batches.map(({ position }) => position)).toEqual([0, 2, 3, 4]);
  const none = samples.map((_, i) => i);
  expect(await codeOf(collect({ samples: plantCorrupt(...none), onBadSample: 'skip' }))).toContain(
    'CROSSCHECK_DATA_NO_SAMPLES',
  );
});

test('pictures above the pixel limit are refused', async () => {
  expect(await codeOf(collect({ maxPixels: 100 }))).toMatch(
    /^CROSSCHECK_IMAGE_TOO_LARGE: 5 rows .*\n {2}posts\.csv:6: .*100 pixels/,
  );
});

test('an unlabelled post carries NaN as its label', async () => {
  const [batch] = (await collect({ samples: samples.map((sample) => ({ ...sample, label: null })) })) as [LoadedBatch];
  expect([...batch.label].every(Number.isNaN)).toBe(true);
});

test('batches that others take are not read, and change nothing in the rest', async () => {
  const whole = await collect();
  const taken = [1, 4];
  const others = new Set(
    whole.filter(({ position }) => !taken.includes(position)).flatMap(({ indices }) => [...indices]),
  );
  const missing = samples.map((sample, i) => (others.has(i) ? { ...sample, imagePath: '/nowhere.jpg' } : sample));
  for (const workers of [0, 2]) {
    const loader = createLoader({ ...defaults(), samples: missing, workers });
    const batches: LoadedBatch[] = [];
    for await (const batch of loader.batches(0, 0, (position) => taken.includes(position))) batches.push(batch);
    for await (const batch of loader.batches(0, 0, () => false)) batches.push(batch);
    await loader.close();
    expect(batches).toEqual(whole.filter(({ position }) => taken.includes(position)));
  }
});

test('an epoch can be left early and another one begun', async () => {
  const loader = createLoader({ ...defaults(), workers: 2 });
  for await (const batch of loader.batches(0)) if (batch.position === 1) break;
  const batches: LoadedBatch[] = [];
  for await (const batch of loader.batches(1)) batches.push(batch);
  await loader.close();
  expect(batches).toEqual(await collect({}, [1]));
});

test('what breaks a worker is told as such', async () => {
  const impossible = { preprocessing: { ...preprocessing, imageSize: 1e7 }, workers: 1 };
  expect(await codeOf(collect(impossible))).toMatch(
    /^CROSSCHECK_DATA_WORKER_DIED: an image worker failed: .*(length|allocation)/,
  );
});

test('options out of range are refused', async () => {
  for (const bad of [{ batchSize: 0 }, { batchSize: 2.5 }, { workers: -1 }, { lengthMultiple: 0 }]) {
    expect(await codeOf(collect(bad))).toContain(`CROSSCHECK_DATA_BAD_OPTION: ${Object.keys(bad)[0]}`);
  }
  expect(await codeOf(collect({ samples: [] }))).toContain('CROSSCHECK_DATA_NO_SAMPLES');
});

const program = (entry: string) => `
  import { createLoader } from ${JSON.stringify(entry)};
  const samples = ${JSON.stringify(samples.slice(0, 4))};
  const tokenizer = { encode: () => Int32Array.of(2, 3), padId: 0, vocabSize: 4, json: '' };
  const preprocessing = ${JSON.stringify(preprocessing)};
  const loader = createLoader({ samples, tokenizer, preprocessing, batchSize: 2, shuffle: false, seed: 1, augmentation: null, workers: 2 });
  for await (const batch of loader.batches(0)) process.stdout.write(batch.position + ':' + batch.image.length + ' ');
`;

test.each([
  ['TypeScript source', 'src/index.ts', ['--conditions=@crosscheck/source']],
  ['the compiled package', 'dist/index.js', []],
])('workers start from %s, and a loader that nobody closes does not keep the program alive', (_, entry, flags) => {
  const main = `${repositoryRoot}/packages/data/${entry}`;
  if (entry.startsWith('dist'))
    spawnSync(`${repositoryRoot}/node_modules/.bin/tsc`, ['-b', `${repositoryRoot}/packages/data`]);
  const script = path.join(dir, 'program.mjs');
  writeFileSync(script, program(main));
  const { stdout, stderr } = spawnSync(process.execPath, [...flags, script], { encoding: 'utf8', timeout: 30_000 });
  expect(stderr).toBe('');
  expect(stdout).toBe(`0:${2 * imageLength} 1:${2 * imageLength} `);
});
