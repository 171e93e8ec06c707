import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createRandom, type Random } from '@crosscheck/contract';
import sharp, { type Sharp } from 'sharp';
import { repositoryRoot } from '../machine.ts';
import { titleLengths } from '../training/samples.ts';

/** Has the words that titles are made of. */
export const vocabularyFile = path.join(repositoryRoot, 'packages/preprocess/test/golden/vocab.txt');

export const pictureSide = { width: 1024, height: 768 };
const pictureBytes = 150_000;
const [pictures, titles] = [16, 64];

export interface BenchPost {
  text: string;
  image: string;
}

/** Writes `posts.json` and its pictures: the same ones from the same seed. */
export async function writePosts(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const texts = [...titleLengths(titles)].map((length, i) => drawTitle(length, createRandom(31, 'title', i)));
  for (let i = 0; i < pictures; i++) {
    await writeFile(path.join(folder, `${i}.jpg`), await drawPhoto(createRandom(32, 'photo', i)));
  }
  const posts = texts.map((text, i) => ({ text, image: path.join(folder, `${i % pictures}.jpg`) }));
  await writeFile(path.join(folder, 'posts.json'), JSON.stringify(posts));
}

export function readPosts(folder: string): BenchPost[] {
  return JSON.parse(readFileSync(path.join(folder, 'posts.json'), 'utf8')) as BenchPost[];
}

let words: string[] | null = null;

/** Words of one token each, as many as the length leaves beside [CLS] and [SEP]. */
function drawTitle(length: number, random: Random): string {
  words ??= readFileSync(vocabularyFile, 'utf8')
    .split('\n')
    .filter((word) => /^[a-z]{2,}$/.test(word));
  return Array.from({ length: length - 2 }, () => words?.[random.int(words.length)]).join(' ');
}

/** Octaves of smooth noise, fainter the finer: about the spectrum of a photograph. */
async function drawPhoto(random: Random): Promise<Buffer> {
  const { width, height } = pictureSide;
  const sums = new Float32Array(width * height * 3).fill(128);
  for (let cells = 4; cells <= 512; cells *= 2) {
    const octave = await drawOctave(cells, random);
    const strength = (cells === 4 ? 1.2 : 2) / Math.sqrt(cells);
    for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] as number) + strength * ((octave[i] as number) - 128);
  }
  const pixels = sharp(Uint8ClampedArray.from(sums), { raw: { width, height, channels: 3 } });
  return encodeTo(pictureBytes, pixels);
}

async function drawOctave(cells: number, random: Random): Promise<Buffer> {
  const { width, height } = pictureSide;
  const raw = { width: cells, height: Math.round((cells * height) / width), channels: 3 as const };
  const noise = Uint8Array.from({ length: raw.width * raw.height * 3 }, () => random.int(256));
  return sharp(noise, { raw }).resize(width, height, { fit: 'fill', kernel: 'cubic' }).raw().toBuffer();
}

/** The highest quality whose file is not larger. */
async function encodeTo(bytes: number, picture: Sharp): Promise<Buffer> {
  const encode = (quality: number) => picture.clone().jpeg({ quality }).toBuffer();
  let [low, high] = [1, 100];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if ((await encode(middle)).length > bytes) high = middle;
    else low = middle;
  }
  return encode(low);
}
