import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createRandom, defaultPreprocessing } from '@crosscheck/contract';
import { renderScene, sceneKinds } from '@crosscheck/demo';
import { buildBertTokenizerJson, createTokenizer } from '@crosscheck/preprocess';
import { temporaryFolder } from '@crosscheck/testkit';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { makeRoom } from '../../files/src/cache/make-room.ts';
import { readSealed, writeSealed } from '../../files/src/cache/sealed-file.ts';
import { createLoader, type LoadedBatch, type LoaderOptions, type Sample } from '../src/index.ts';

const preprocessing = { ...defaultPreprocessing, imageSize: 32, maxTokens: 8 };
const imageBytes = 32 * 32 * 3;
const tokenizer = createTokenizer(buildBertTokenizerJson(['[PAD]', '[UNK]', '[CLS]', '[SEP]', 'a']), preprocessing);
const pictures: Buffer[] = [];

beforeAll(async () => {
  for (let i = 0; i < 24; i++) pictures.push(await renderScene(sceneKinds[i % 8] ?? 'flood', createRandom(i), 48));
});

/** A folder with some pictures, and an empty one for their pixels. */
function setUp(count = 24): { samples: Sample[]; cache: string } {
  const { dir, remove } = temporaryFolder();
  onTestFinished(remove);
  const samples = pictures.slice(0, count).map((picture, i): Sample => {
    const imagePath = path.join(dir, `${i}.jpg`);
    writeFileSync(imagePath, picture);
    return { text: 'a', imagePath, label: 0, file: 'posts.csv', line: i + 2, row: {} };
  });
  return { samples, cache: path.join(dir, 'cache') };
}

interface Epochs {
  images: Float32Array[];
  warnings: string[];
}

async function load(samples: Sample[], options: Partial<LoaderOptions> = {}, epochs = 1): Promise<Epochs> {
  const warnings: string[] = [];
  const fixed = { tokenizer, preprocessing, batchSize: 4, shuffle: false, seed: 1, augmentation: null };
  const loader = createLoader({ samples, ...fixed, warn: (line) => void warnings.push(line), ...options });
  const batches: LoadedBatch[] = [];
  for (let epoch = 0; epoch < epochs; epoch++) for await (const batch of loader.batches(epoch)) batches.push(batch);
  await loader.close();
  return { images: batches.map(({ image }) => image), warnings };
}

const filesOf = (dir: string) =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));

const roomy = { maxBytes: 2 ** 22 };

/** Replaces the pixels of every entry by black ones, with valid checksums. */
function blacken(cache: string): void {
  for (const file of filesOf(cache)) writeSealed(file, new Uint8Array(imageBytes));
}

const isBlack = (image: Float32Array) => new Set(image).size === 3; // one value for each channel

test.each([0, 2])('later epochs and later runs decode nothing (%d workers)', async (workers) => {
  const { samples, cache } = setUp();
  const pixelCache = { dir: cache, ...roomy };
  const first = await load(samples, { pixelCache, workers });
  expect(filesOf(cache)).toHaveLength(24);
  expect((await load(samples, { pixelCache, workers }, 2)).images).toEqual([...first.images, ...first.images]);
  blacken(cache);
  expect((await load(samples, { pixelCache, workers })).images.every(isBlack)).toBe(true);
});

test('a file that changes is decoded again, also between two epochs', async () => {
  const { samples, cache } = setUp(2);
  const pixelCache = { dir: cache, ...roomy };
  const loader = createLoader({
    samples,
    tokenizer,
    preprocessing,
    batchSize: 2,
    shuffle: false,
    seed: 1,
    augmentation: null,
    pixelCache,
  });
  const first = (await loader.batches(0).next()).value as LoadedBatch;
  copyFileSync((samples[1] as Sample).imagePath, (samples[0] as Sample).imagePath);
  const second = (await loader.batches(1).next()).value as LoadedBatch;
  const [one, two] = [first.image.subarray(0, imageBytes), first.image.subarray(imageBytes)];
  expect(one).not.toEqual(two);
  expect(second.image.subarray(0, imageBytes)).toEqual(two);
});

test('another size and another limit on pixels are other entries', async () => {
  const { samples, cache } = setUp(3);
  const pixelCache = { dir: cache, ...roomy };
  await load(samples, { pixelCache });
  await load(samples, { pixelCache, preprocessing: { ...preprocessing, imageSize: 16 } });
  expect(filesOf(cache)).toHaveLength(6);
  await expect(load(samples, { pixelCache, maxPixels: 100 })).rejects.toThrow('100 pixels');
});

test.each([
  ['a flipped bit', (bytes: Buffer) => bytes.map((byte, i) => (i === 100 ? byte ^ 1 : byte))],
  ['a cut end', (bytes: Buffer) => bytes.subarray(0, 500)],
  ['nothing in it', () => Buffer.alloc(0)],
])('%s is noticed, told once, and repaired with the right picture', async (_, damage) => {
  const { samples, cache } = setUp(4);
  const pixelCache = { dir: cache, ...roomy };
  const before = await load(samples, { pixelCache });
  const [file = ''] = filesOf(cache);
  writeFileSync(file, damage(readFileSync(file)));
  const after = await load(samples, { pixelCache }, 2);
  expect(after.images).toEqual([...before.images, ...before.images]);
  expect(after.warnings).toEqual([`${file} is damaged; its picture is decoded again`]);
  expect((await load(samples, { pixelCache })).warnings).toEqual([]);
});

test('an entry under the name of another one counts as damaged', async () => {
  const { samples, cache } = setUp(2);
  const pixelCache = { dir: cache, ...roomy };
  const before = await load(samples, { pixelCache });
  const [one = '', two = ''] = filesOf(cache);
  copyFileSync(one, two);
  const after = await load(samples, { pixelCache });
  expect(after.images).toEqual(before.images);
  expect(after.warnings).toHaveLength(1);
});

test('a folder that cannot be written is told once, and pictures are decoded', async () => {
  const { samples, cache } = setUp();
  writeFileSync(cache, 'a file where the folder should be');
  const { images, warnings } = await load(samples, { pixelCache: { dir: cache, ...roomy }, workers: 2 }, 2);
  expect(images).toHaveLength(12);
  expect(warnings).toEqual([`decoded pictures cannot be kept in ${cache} (ENOTDIR); see data.pixel_cache.dir`]);
});

test('the folder never holds more than its bytes; what does not fit is decoded', async () => {
  const { samples, cache } = setUp();
  const maxBytes = 16 * (imageBytes + 100); // one picture for each of its folders
  const { images } = await load(samples, { pixelCache: { dir: cache, maxBytes } }, 2);
  expect(images).toHaveLength(12);
  const kept = filesOf(cache);
  expect(kept.length).toBeGreaterThan(4);
  expect(kept.length).toBeLessThanOrEqual(16);
  expect(kept.reduce((sum, file) => sum + statSync(file).size, 0)).toBeLessThanOrEqual(maxBytes);
  expect((await load(samples, { pixelCache: { dir: path.join(cache, 'none'), maxBytes: 1000 } })).images).toHaveLength(
    6,
  );
  expect(readdirSync(cache)).not.toContain('none');
});

test('pictures that were used longest ago make room for new ones, those of this run do not', async () => {
  const { samples, cache } = setUp();
  const maxBytes = 16 * (imageBytes + 100);
  await load(samples.slice(0, 12), { pixelCache: { dir: cache, maxBytes } });
  const old = filesOf(cache);
  for (const file of old) utimesSync(file, 1, 1);
  await load(samples.slice(12), { pixelCache: { dir: cache, maxBytes } });
  const kept = filesOf(cache);
  expect(kept.filter((file) => !old.includes(file)).length).toBeGreaterThan(4);
  expect(kept.reduce((sum, file) => sum + statSync(file).size, 0)).toBeLessThanOrEqual(maxBytes);
});

test('makeRoom deletes the oldest first and spares what is in use', () => {
  const { dir, remove } = temporaryFolder();
  onTestFinished(remove);
  for (const [name, seconds] of [
    ['new', 300],
    ['old', 100],
    ['middle', 200],
  ] as const) {
    writeFileSync(path.join(dir, name), Buffer.alloc(100));
    utimesSync(path.join(dir, name), seconds, seconds);
  }
  expect(makeRoom(dir, 100, { maxBytes: 400, usedSince: 250_000 })).toBe(100);
  expect(makeRoom(dir, 100, { maxBytes: 300, usedSince: 250_000 })).toBe(100);
  expect(readdirSync(dir).sort()).toEqual(['middle', 'new']);
  expect(makeRoom(dir, 300, { maxBytes: 300, usedSince: 250_000 })).toBe(200);
  expect(readdirSync(dir)).toEqual(['new']);
});

test('a file that is being written is never seen in part', () => {
  const { dir, remove } = temporaryFolder();
  onTestFinished(remove);
  const file = path.join(dir, 'deep/entry');
  expect(readSealed(file, 3)).toBe('missing');
  writeSealed(file, Uint8Array.of(1, 2, 3));
  expect(readSealed(file, 3)).toEqual(Buffer.of(1, 2, 3));
  expect(readSealed(file, 2)).toBe('damaged');
  execFileSync('mkfifo', [path.join(dir, 'pipe')]); // a read would wait for ever
  expect(readSealed(path.join(dir, 'pipe'), 3)).toBe('damaged');
  expect(readdirSync(path.dirname(file))).toEqual(['entry']);
  mkdirSync(path.join(dir, 'blocked'));
  mkdirSync(path.join(dir, 'blocked/entry'));
  expect(() => writeSealed(path.join(dir, 'blocked/entry'), Uint8Array.of(1))).toThrow('directory');
  expect(readdirSync(path.join(dir, 'blocked'))).toEqual(['entry']);
});
