import { getEventListeners } from 'node:events';
import { writeFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { sigmoid } from '@crosscheck/contract';
import { decodeImage, loadTokenizer, normalizeImage } from '@crosscheck/preprocess';
import { expectClose, temporaryFolder } from '@crosscheck/testkit';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  encodePng,
  tinyPreprocessing,
  tinyTokenizerJson,
  writeTinyArtifact,
} from '../../exporter/test/tiny-artifact.ts';
import { type Classifier, openClassifier, openOnnxSession, type Post } from '../src/index.ts';
import { chooseLayout } from '../src/runtime/layout.ts';

const folder = temporaryFolder();
let classifier: Classifier;
beforeAll(async () => {
  await writeTinyArtifact(folder.dir, { temperature: 2, threshold: 0.5 });
  classifier = await openClassifier(folder.dir, { workers: 2 });
});
afterAll(async () => {
  await classifier.close();
  folder.remove();
});

const picture = (seed: number) => encodePng(40, 30, (x, y) => [(x * seed) % 256, (y * 3 * seed) % 256, (x * y) % 256]);
const posts = Array.from({ length: 12 }, (_, i) => ({
  text: 'a wildfire burns near the city '.repeat(i % 4),
  image: picture(i + 1),
}));

function jpeg({ width, height, blue }: { width: number; height: number; blue: number }): Promise<Buffer> {
  return sharp({ create: { width, height, channels: 3, background: { r: 120, g: 100, b: blue } } })
    .jpeg()
    .toBuffer();
}

const classifyOne = async (post: Post) => (await classifier.classify([post]))[0];

async function logitAlone({ text, image }: (typeof posts)[number]): Promise<number> {
  const session = await openOnnxSession(`${folder.dir}/multimodal_model.onnx`, {
    threads: 1,
    preprocessing: tinyPreprocessing,
  });
  const tokens = (await loadTokenizer(tinyTokenizerJson, tinyPreprocessing)).encode(text);
  const normalized = new Float32Array(3 * 32 * 32);
  normalizeImage(await decodeImage(image, { size: 32 }), tinyPreprocessing, 'nchw', normalized);
  const inputs = {
    size: 1,
    length: tokens.length,
    image: normalized,
    inputIds: tokens,
    attentionMask: new Int32Array(tokens.length).fill(1),
  };
  const [logit] = await session.run(inputs);
  await session.close();
  return logit as number;
}

test('batched verdicts equal those of one post at a time', async () => {
  const together = await classifier.classify(posts);
  const alone = [];
  for (const post of posts) alone.push(await logitAlone(post));
  expectClose(
    together.map(({ logit }) => logit),
    alone,
    { maxAbs: 1e-5 },
  );
  expect(new Set(alone.map((logit) => logit.toFixed(6))).size).toBe(posts.length);
});

test('probability is the sigmoid of logit over temperature, confidence that of the label given', async () => {
  for (const { logit, probabilityFake, prediction, labelId, confidence } of await classifier.classify(posts)) {
    expect(probabilityFake).toBe(sigmoid(logit / 2));
    expect(prediction).toBe(probabilityFake > 0.5 ? 'FAKE' : 'REAL');
    expect(confidence).toBe(labelId === 1 ? probabilityFake : 1 - probabilityFake);
  }
});

test('a threshold given at opening replaces the artifact’s', async () => {
  const strict = await openClassifier(folder.dir, { workers: 1, threshold: 0.999 });
  const verdicts = await strict.classify(posts);
  expect(new Set(verdicts.map(({ prediction }) => prediction))).toEqual(new Set(['REAL']));
  await strict.close();
});

test('blank and very long texts get a verdict', async () => {
  const [blank, long] = await classifier.classify([
    { text: ' \n ', image: picture(3) },
    { text: 'flood '.repeat(50_000), image: picture(3) },
  ]);
  expect(Number.isFinite(blank?.logit)).toBe(true);
  expect(Number.isFinite(long?.logit)).toBe(true);
});

test('one bad picture rejects its call with a reason and leaves the others alone', async () => {
  const bad = classifier.classify([{ text: 'a', image: Buffer.from('not a picture') }]);
  const good = classifier.classify([posts[0] as Post]);
  await expect(bad).rejects.toMatchObject({ code: 'CROSSCHECK_IMAGE_UNSUPPORTED' });
  expect(await good).toHaveLength(1);
});

test('a photograph in JPEG, which a worker decodes, gets the verdict that it gets alone', async () => {
  const images = [90, 60].map((blue) => jpeg({ width: 300, height: 200, blue }));
  const post = { text: 'a wildfire burns', image: await (images[0] as Promise<Buffer>) };
  const others = [picture(3), await (images[1] as Promise<Buffer>)].map((image) => ({
    text: 'calm in the city',
    image,
  }));
  const [verdict] = await classifier.classify([post, ...others]);
  expect(verdict?.logit).toBeCloseTo(await logitAlone(post), 5);
  writeFileSync(`${folder.dir}/photo.jpg`, post.image);
  const [fromPath] = await classifier.classify([{ ...post, image: `${folder.dir}/photo.jpg` }]);
  expect(fromPath?.logit).toBeCloseTo(verdict?.logit as number, 5);
});

test('a damaged one rejects its call with its name, and leaves those in its batch alone', async () => {
  const whole = await jpeg({ width: 300, height: 200, blue: 70 });
  const damaged = `${folder.dir}/damaged.jpg`;
  writeFileSync(damaged, whole.subarray(0, whole.length - 200));
  const alone = classifyOne({ text: 'a flood', image: damaged });
  const beside = classifyOne({ text: 'a flood', image: whole });
  await expect(alone).rejects.toMatchObject({
    code: 'CROSSCHECK_IMAGE_UNREADABLE',
    message: expect.stringContaining(damaged),
  });
  expect((await beside)?.logit).toBeTypeOf('number');
});

test('limits of pictures hold in the workers as well', async () => {
  const large = await jpeg({ width: 8200, height: 5000, blue: 80 }); // 41 megapixels
  await expect(classifyOne({ text: '', image: large })).rejects.toMatchObject({ code: 'CROSSCHECK_IMAGE_TOO_LARGE' });
  const generous = await openClassifier(folder.dir, { workers: 1, maxPixels: 50_000_000 });
  expect(await generous.classify([{ text: '', image: large }])).toHaveLength(1);
  await generous.close();
});

test('an aborted call rejects with the signal’s reason and gives its places back', async () => {
  const abort = new AbortController();
  const call = classifier.classify(posts, { signal: abort.signal });
  abort.abort(new Error('the client left'));
  await expect(call).rejects.toThrow('the client left');
  await expect(classifier.classify(posts, { signal: abort.signal })).rejects.toThrow('the client left');
  await classifier.classify(posts);
  expect(classifier.stats().queueDepth).toBe(0);
});

test('a call that takes too long is given up', async () => {
  const large = encodePng(1000, 1000, () => [1, 2, 3]);
  await expect(classifier.classify([{ text: 'a', image: large }], { timeoutMs: 1 })).rejects.toMatchObject({
    code: 'CROSSCHECK_INFERENCE_TIMEOUT',
  });
});

test('a full queue refuses at once and recovers', async () => {
  const small = await openClassifier(folder.dir, { workers: 1, maxQueue: 4 });
  const first = small.classify(posts.slice(0, 4));
  await expect(small.classify(posts.slice(0, 1))).rejects.toMatchObject({ code: 'CROSSCHECK_INFERENCE_QUEUE_FULL' });
  await first;
  expect(await small.classify(posts.slice(0, 1))).toHaveLength(1);
  expect(small.stats()).toMatchObject({ refused: 1, posts: 5, queueDepth: 0, queueLimit: 4 });
  await small.close();
});

test('thousands of posts leave nothing behind in the heap', async () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const heapAfter = async (count: number) => {
    const one = () => classifier.classify(posts.slice(0, 1), { timeoutMs: 60_000 });
    for (let i = 0; i < count; i += 8) await Promise.all(Array.from({ length: 8 }, one));
    collectGarbage();
    return process.memoryUsage().heapUsed;
  };
  const before = await heapAfter(200);
  expect((await heapAfter(2000)) - before).toBeLessThan(1.5e6); // composite abort signals left 5.5 MB
});

test('a long-lived signal of the caller keeps no listeners', async () => {
  const { signal } = new AbortController();
  await classifier.classify(posts, { signal });
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

test('closing finishes what was accepted and refuses what comes after', async () => {
  const closing = await openClassifier(folder.dir, { workers: 1 });
  const accepted = closing.classify(posts);
  const closed = closing.close();
  await expect(closing.classify(posts)).rejects.toMatchObject({ code: 'CROSSCHECK_INFERENCE_CLOSED' });
  expect(await accepted).toHaveLength(posts.length);
  await closed;
});

test('statistics count posts, batches and their sizes', async () => {
  const counted = await openClassifier(folder.dir, { workers: 1, maxBatch: 4 });
  await counted.classify(posts);
  const { posts: answered, failures, batchSize, inferenceSeconds, decodeSeconds } = counted.stats();
  expect([answered, failures, batchSize.sum, decodeSeconds.count]).toEqual([12, 0, 12, 12]);
  expect(batchSize.count).toBe(inferenceSeconds.count);
  expect(batchSize.counts.at(2)).toBe(batchSize.count); // none above 4
  await counted.close();
});

test('by default every core gets a one-threaded worker; one worker gets all cores', () => {
  expect(chooseLayout({}, 2)).toEqual({ workers: 2, threads: 1, maxBatch: 4 });
  expect(chooseLayout({ workers: 1 }, 4)).toEqual({ workers: 1, threads: 4, maxBatch: 4 });
  expect(chooseLayout({ threadsPerWorker: 2 }, 4)).toEqual({ workers: 2, threads: 2, maxBatch: 4 });
  expect(chooseLayout({}, 64)).toEqual({ workers: 8, threads: 8, maxBatch: 4 });
});
