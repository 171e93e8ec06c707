import { loadTokenizer } from '@crosscheck/preprocess';
import { temporaryFolder } from '@crosscheck/testkit';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { randomWeights } from '../../exporter/src/graph/random-weights.ts';
import {
  encodePng,
  tinyArchitecture,
  tinyPreprocessing,
  tinyTokenizerJson,
  writeTinyArtifact,
} from '../../exporter/test/tiny-artifact.ts';
import { describeExplanation } from '../src/explain/describe.ts';
import { renderOverlay } from '../src/explain/overlay.ts';
import { occludePicture } from '../src/explain/picture.ts';
import { planExplanation } from '../src/explain/plan.ts';
import { groupWords, readWords, withoutWords } from '../src/explain/words.ts';
import { type Classifier, explanationToJson, openClassifier, type Post } from '../src/index.ts';

const folder = temporaryFolder();
let classifier: Classifier;
beforeAll(async () => {
  await writeTinyArtifact(folder.dir, { temperature: 2 });
  classifier = await openClassifier(folder.dir, { workers: 2 });
});
afterAll(async () => {
  await classifier.close();
  folder.remove();
});

const post: Post = {
  text: 'a wildfire burns near the city',
  image: encodePng(64, 48, (x, y) => [(x * 9) % 256, (y * 7) % 256, (x * y) % 256]),
};
const logOdds = (probability: number) => Math.log(probability / (1 - probability));

test('the verdict and those of the halves are what classifying them gives', async () => {
  const { prediction, picture } = await classifier.explain(post);
  const [whole, blank] = await classifier.classify([post, { ...post, text: '' }]);
  expect(prediction.probabilityFake).toBeCloseTo(whole?.probabilityFake as number, 5);
  expect(picture.alone.probabilityFake).toBeCloseTo(blank?.probabilityFake as number, 5);
});

test('the two contributions add up to what the post differs by from neutral input, and the shares to one', async () => {
  const { prediction, neither, picture, words, interaction } = await classifier.explain(post);
  const [both, none, left, right] = [prediction, neither, picture.alone, words.alone].map(({ probabilityFake }) =>
    logOdds(probabilityFake),
  ) as [number, number, number, number];
  expect(picture.contribution + words.contribution).toBeCloseTo(both - none, 4);
  expect(interaction).toBeCloseTo(both - left - right + none, 4);
  expect(picture.share + words.share).toBeCloseTo(1, 12);
  expect(Math.abs(picture.contribution)).toBeGreaterThan(0);
});

test('a word weighs what leaving it out changes', async () => {
  const { wordWeights, prediction } = await classifier.explain(post);
  expect(wordWeights.map(({ word }) => word)).toEqual(['a', 'wildfire', 'burns', 'near', 'the', 'city']);
  const [without] = await classifier.classify([{ ...post, text: 'a  burns near the city' }]);
  const expected = logOdds(prediction.probabilityFake) - logOdds(without?.probabilityFake as number);
  expect(wordWeights[1]?.weight).toBeCloseTo(expected, 4);
  expect(post.text.slice(wordWeights[1]?.start, wordWeights[1]?.end)).toBe('wildfire');
});

test('a cell of the heat map is what hiding it changes, and a network that ignores the picture has a flat one', async () => {
  const { heatMap } = await classifier.explain(post);
  expect([heatMap.rows, heatMap.columns, heatMap.values.length]).toEqual([7, 7, 7]);
  expect(new Set(heatMap.values.flat().map((value) => value.toFixed(6))).size).toBeGreaterThan(10);

  const weights = randomWeights(tinyArchitecture, 7);
  const blind = temporaryFolder();
  await writeTinyArtifact(blind.dir, {
    weights: {
      ...weights,
      read: async (name) =>
        (await weights.read(name)).map((v) => (name.startsWith('vision_branch.projection.3') ? 0 : v)),
    },
  });
  const unseeing = await openClassifier(blind.dir, { workers: 1 });
  const explained = await unseeing.explain(post);
  await unseeing.close();
  blind.remove();
  expect(Math.max(...explained.heatMap.values.flat().map(Math.abs))).toBeLessThan(1e-5);
  expect(explained.words.share).toBeCloseTo(1, 3);
});

test('a blank text has no words, and its picture has everything', async () => {
  const { wordWeights, words, heatMap } = await classifier.explain({ ...post, text: '  ' });
  expect(wordWeights).toEqual([]);
  expect(words.share).toBeCloseTo(0, 3);
  expect(heatMap.values.flat().some((value) => Math.abs(value) > 1e-4)).toBe(true);
});

test('a bad picture, an aborted call and a passed deadline reject, and the classifier goes on', async () => {
  await expect(classifier.explain({ ...post, image: Buffer.from('no picture') })).rejects.toMatchObject({
    code: 'CROSSCHECK_IMAGE_UNSUPPORTED',
  });
  const abort = new AbortController();
  const call = classifier.explain(post, { signal: abort.signal });
  abort.abort(new Error('the client left'));
  await expect(call).rejects.toThrow('the client left');
  await expect(classifier.explain(post, { timeoutMs: 1 })).rejects.toMatchObject({
    code: 'CROSSCHECK_INFERENCE_TIMEOUT',
  });
  expect((await classifier.explain(post)).passes).toBe(4 + 49 + 6);
  expect(classifier.stats().queueDepth).toBe(0);
});

test('posts of others are judged while an explanation is worked out', async () => {
  const order: string[] = [];
  const explained = classifier.explain(post).then(() => order.push('explanation'));
  await new Promise((resolve) => setImmediate(resolve));
  await classifier.classify([post]).then(() => order.push('verdict'));
  await explained;
  expect(order).toEqual(['verdict', 'explanation']);
});

test.each([1, 20, 64, 128])('a text of %i tokens is explained within the budget of passes', (tokens) => {
  const { gridSide, wordGroups } = planExplanation(tokens, tokens);
  expect((4 + gridSide ** 2 + wordGroups) * (16 + tokens)).toBeLessThanOrEqual(6000);
  expect(gridSide).toBeGreaterThanOrEqual(4);
  expect(wordGroups).toBeGreaterThanOrEqual(Math.min(tokens, 20));
});

test('the longest text still gets a heat map and a group of words', () => {
  expect(planExplanation(512, 500)).toEqual({ gridSide: 3, wordGroups: 1 });
});

test('only words that the model reads are weighed, in any script', async () => {
  const tokenizer = await loadTokenizer(tinyTokenizerJson, tinyPreprocessing);
  const wordsOf = (text: string) => readWords(text, tokenizer, tokenizer.encode(text).length).map(({ word }) => word);
  expect(wordsOf('flood '.repeat(100))).toHaveLength(tinyPreprocessing.maxTokens - 2);
  expect(wordsOf('Don’t look: “fire” 🔥!')).toEqual(['Don’t', 'look', 'fire', '🔥']);
  expect(wordsOf('今日は洪水です').length).toBeGreaterThan(1);
  expect(wordsOf('?! …')).toEqual([]);
});

test('neighbouring words form runs of nearly equal length, and leaving one out keeps the rest', () => {
  expect(groupWords([1, 2, 3, 4, 5], 2)).toEqual([
    [1, 2],
    [3, 4, 5],
  ]);
  expect(groupWords([1, 2], 5)).toEqual([[1], [2]]);
  expect(groupWords([], 5)).toEqual([]);
  const run = [
    { word: 'b', start: 2, end: 3 },
    { word: 'c', start: 4, end: 5 },
  ];
  expect(withoutWords('a b c d', run)).toBe('a  d');
});

test('hiding a cell paints a window of twice its width and nothing else', () => {
  const [size, side] = [28, 7]; // cells of 4 pixels, windows of 8
  const [pixels, neutral] = [new Uint8Array(3 * size ** 2).fill(200), new Uint8Array(3 * size ** 2).fill(9)];
  const painted = (cell: number) =>
    occludePicture(pixels, cell, side, neutral).filter((value) => value === 9).length / 3;
  expect([painted(0), painted(24), painted(48)]).toEqual([6 * 6, 8 * 8, 6 * 6]);
  const centre = occludePicture(pixels, 24, side, neutral);
  expect(centre[3 * (10 * size + 10)]).toBe(9); // rows and columns 10 to 17
  expect(centre[3 * (9 * size + 10)]).toBe(200);
  expect(pixels.every((value) => value === 200)).toBe(true);
});

test('the overlay has the picture’s shape, is warm where the picture speaks for FAKE and blue where for REAL', async () => {
  const grey = encodePng(60, 30, () => [128, 128, 128]);
  const heatMap = {
    rows: 2,
    columns: 2,
    values: [
      [1, -1],
      [0, 0],
    ],
  };
  const { data, info } = await sharp(await renderOverlay(grey, heatMap))
    .raw()
    .toBuffer({ resolveWithObject: true });
  expect([info.width, info.height]).toEqual([60, 30]);
  const at = (x: number, y: number) => [
    ...data.subarray(info.channels * (y * 60 + x), info.channels * (y * 60 + x) + 3),
  ];
  const [warm, cold, bare] = [at(2, 2), at(57, 2), at(2, 27)] as [number[], number[], number[]];
  expect((warm[0] as number) - (warm[2] as number)).toBeGreaterThan(100);
  expect((cold[2] as number) - (cold[0] as number)).toBeGreaterThan(60);
  expect(Math.max(...bare) - Math.min(...bare)).toBeLessThan(20);
});

test('the JSON carries the names of the service, and the lines the strongest words first', async () => {
  const explanation = await classifier.explain(post);
  const json = explanationToJson(explanation);
  expect(Object.keys(json)).toEqual(
    expect.arrayContaining([
      'prediction',
      'probability_fake',
      'confidence',
      'label_id',
      'picture',
      'text',
      'heat_map',
      'words',
    ]),
  );
  expect(JSON.parse(JSON.stringify(json))).toEqual(json);
  const weigh = (word: string, weight: number) => ({ word, start: 0, end: 0, weight });
  const wordWeights = [weigh('calm', -0.25), weigh('the', 0), weigh('flood', 0.1), weigh('fire', 1.5)];
  const lines = describeExplanation({ ...explanation, wordWeights });
  expect(lines).toEqual(
    expect.arrayContaining(['Words for FAKE: fire +1.50, flood +0.10', 'Words for REAL: calm −0.25']),
  );
});

test('with decoders beside it, no JPEG is decoded by the thread that answers', async () => {
  const noise = {
    width: 4000,
    height: 3000,
    channels: 3 as const,
    noise: { type: 'gaussian' as const, mean: 128, sigma: 40 },
  };
  const large = await sharp({ create: { ...noise, background: 'grey' } })
    .jpeg({ quality: 85 })
    .toBuffer();
  const beside = await openClassifier(folder.dir, { workers: 1, decoderProcesses: 2 });
  const cost = async (explainer: Classifier) => {
    const started = process.threadCpuUsage();
    await explainer.explain({ text: 'a flood', image: large });
    const { user, system } = process.threadCpuUsage(started);
    return (user + system) / 1000;
  };
  try {
    await cost(beside); // loads what is loaded once
    const [here, there] = [await cost(classifier), await cost(beside)];
    expect(there).toBeLessThan(0.6 * here);
  } finally {
    await beside.close();
  }
});
