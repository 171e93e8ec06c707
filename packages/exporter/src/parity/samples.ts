import type { Architecture, Batch, Preprocessing } from '@crosscheck/contract';
import { normalizeImage, type Tokenizer } from '@crosscheck/preprocess';

/** A batch of fixed inputs, as pixels and token ids. */
export interface ParityCase {
  name: string;
  /** One [S, S, 3] u8 picture per post. */
  pictures: Uint8Array[];
  /** One row of ids per post; rows differ in length. */
  tokenIds: Int32Array[];
  /** Of each post, where any lacks a part: 0 without a picture, 0 without words. */
  presence?: { hasImage: Float32Array; hasText: Float32Array };
}

/**
 * Inputs that are the same on every machine: pictures by a formula (flat, gradient, stripes, checks), ids by a linear congruence; short, usual
 * and longest texts, alone and in one padded batch of 4.
 */
export function parityCases(preprocessing: Preprocessing, { text, missingModality }: Architecture): ParityCase[] {
  const lengths = [...new Set([3, 8, 20, preprocessing.maxTokens].map((n) => Math.min(n, preprocessing.maxTokens)))];
  const posts = lengths.map((length, i) => ({
    picture: drawPicture(preprocessing.imageSize, i),
    tokenIds: drawTokenIds(length, text.vocabSize, i),
  }));
  const alone = posts.map(({ picture, tokenIds }, i) => ({
    name: `post ${i + 1} alone (${tokenIds.length} tokens)`,
    pictures: [picture],
    tokenIds: [tokenIds],
  }));
  const four = [0, 1, 2, 3].map((i) => posts[i % posts.length] as (typeof posts)[number]);
  const together = {
    name: 'batch of 4, padded',
    pictures: four.map(({ picture }) => picture),
    tokenIds: four.map(({ tokenIds }) => tokenIds),
  };
  return [...alone, together, ...(missingModality === 'learned' ? withoutParts(together) : [])];
}

/** The same posts, some of which lack a part; and one alone without its picture, one without its words. */
function withoutParts({ pictures, tokenIds }: ParityCase): ParityCase[] {
  const of = (name: string, hasImage: number[], hasText: number[]): ParityCase => ({
    name,
    pictures: pictures.slice(0, hasImage.length),
    tokenIds: tokenIds.slice(0, hasText.length),
    presence: { hasImage: Float32Array.from(hasImage), hasText: Float32Array.from(hasText) },
  });
  return [
    of('no picture', [0], [1]),
    of('no words', [1], [0]),
    of('batch of 4, one without a picture and one without words', [1, 0, 1, 1], [1, 1, 0, 1]),
  ];
}

/** A post as a client sends it, with the numbers that the trainer makes of it. */
export interface ServedCase extends ParityCase {
  text: string;
}

const servedTexts = ['', 'A flood in the city, 2024', 'Wildfire burns near the river. '.repeat(60)];

/**
 * Posts of text and picture: blank, usual, longer than the model reads; and one without a picture where the model was trained for such. The
 * pictures have the model's size, so that resizing keeps them.
 */
export function servedCases(
  { imageSize }: Preprocessing,
  { missingModality }: Architecture,
  tokenizer: Tokenizer,
): ServedCase[] {
  const isOptional = missingModality === 'learned';
  const cases = servedTexts.map((text, i) => ({
    name: `served post ${i + 1} (${JSON.stringify(text.slice(0, 20))})`,
    text,
    pictures: [drawPicture(imageSize, i + 1)],
    tokenIds: [tokenizer.encode(text)],
    ...(isOptional && text === '' && { presence: presenceOf(1, 0) }),
  }));
  const [, usual] = cases as [ServedCase, ServedCase];
  return isOptional ? [...cases, { ...usual, name: 'served without a picture', presence: presenceOf(0, 1) }] : cases;
}

const presenceOf = (image: 0 | 1, text: 0 | 1) => ({
  hasImage: Float32Array.of(image),
  hasText: Float32Array.of(text),
});

/** [S, S, 3] u8 */
function drawPicture(size: number, kind: number): Uint8Array {
  const pixel = [
    () => 128,
    (x: number, y: number, c: number) => (255 * (c === 1 ? y : x)) / size,
    (x: number, _: number, c: number) => 127 + 127 * Math.sin((x * (c + 1)) / 5),
    (x: number, y: number, c: number) => (((x >> 4) + (y >> 4) + c) % 2) * 200 + 20,
  ][kind % 4] as (x: number, y: number, c: number) => number;
  return Uint8Array.from({ length: size * size * 3 }, (_, i) => {
    const [column, row] = [Math.floor(i / 3) % size, Math.floor(i / 3 / size)];
    return pixel(column, row, i % 3);
  });
}

function drawTokenIds(length: number, vocabSize: number, seed: number): Int32Array {
  return Int32Array.from({ length }, (_, i) => ((i + 1) * 7919 + seed * 104729) % vocabSize);
}

/** The case as the trainer's network takes it: NHWC. */
export function trainerBatch(parityCase: ParityCase, preprocessing: Preprocessing, padded: PaddedIds): Batch {
  const size = parityCase.pictures.length;
  return {
    size,
    ...padded,
    ...parityCase.presence,
    imageSize: preprocessing.imageSize,
    image: normalizeAll(parityCase, preprocessing, 'nhwc'),
    label: new Float32Array(size),
    indices: Int32Array.from({ length: size }, (_, i) => i),
  };
}

export interface PaddedIds {
  inputIds: Int32Array;
  attentionMask: Int32Array;
  length: number;
}

/** [B, S, S, 3] or [B, 3, S, S] */
export function normalizeAll(
  { pictures }: ParityCase,
  preprocessing: Preprocessing,
  layout: 'nhwc' | 'nchw',
): Float32Array {
  const perPicture = 3 * preprocessing.imageSize ** 2;
  const out = new Float32Array(pictures.length * perPicture);
  pictures.forEach((picture, i) => normalizeImage(picture, preprocessing, layout, out, i * perPicture));
  return out;
}
