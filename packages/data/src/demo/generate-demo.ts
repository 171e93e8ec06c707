import { mkdir, rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { createRandom, type LabelName, labelNames } from '@crosscheck/contract';
import { stringify } from 'csv-stringify/sync';
import { runConcurrently } from '../run-concurrently.ts';
import { composeSplits, type PostPlan } from './compose-posts.ts';
import { type SceneKind, sceneKinds } from './kinds.ts';
import { renderScene } from './render-scene.ts';

export interface DemoOptions {
  /** Receives `train.csv`, `val.csv`, `test.csv` and `images/{train,val,test}/`. */
  dir: string;
  /** @default 7 */
  seed?: number;
  /** Posts per split: even numbers of at least 4. @default 2000 */
  train?: number;
  /** @default 400 */
  val?: number;
  /** @default 400 */
  test?: number;
  /** Longer side of the pictures in pixels. @default 160 */
  imageSize?: number;
  /** Told after every picture. */
  onProgress?: (done: number, total: number) => void;
}

export interface DemoPost {
  /** Absolute. */
  imagePath: string;
  text: string;
  label: LabelName;
  imageKind: SceneKind;
  captionKind: SceneKind;
}

export interface DemoSummary {
  /** Absolute. */
  dir: string;
  seed: number;
  imageSize: number;
  /** Posts per split. */
  posts: Record<Split, number>;
  kinds: readonly SceneKind[];
  /** Absolute paths of the CSV files. */
  files: Record<Split, string>;
  /** One true and one mismatched post of the test split. */
  examples: { real: DemoPost; fake: DemoPost };
}

type Split = 'train' | 'val' | 'test';

/**
 * Makes small news posts without any download: drawn JPEGs and written captions, half of them mismatched. Every kind of picture
 * and every kind of caption is as often REAL as FAKE, so that neither alone can beat 50 %. The same options give the same bytes.
 *
 * @throws CROSSCHECK_DATA_DEMO_SIZE
 */
export async function generateDemo(options: DemoOptions): Promise<DemoSummary> {
  const { seed = 7, imageSize = 160, onProgress = () => {} } = options;
  const posts = { train: options.train ?? 2000, val: options.val ?? 400, test: options.test ?? 400 };
  const dir = path.resolve(options.dir);
  const splits = composeSplits(posts, seed);
  const total = posts.train + posts.val + posts.test;
  let done = 0;
  for (const split of ['train', 'val', 'test'] as const) {
    await writeSplit(splits[split], { dir, split, seed, imageSize, onPicture: () => onProgress(++done, total) });
  }
  const files = {
    train: path.join(dir, 'train.csv'),
    val: path.join(dir, 'val.csv'),
    test: path.join(dir, 'test.csv'),
  };
  const examples = { real: findExample(splits.test, dir, 0), fake: findExample(splits.test, dir, 1) };
  return { dir, seed, imageSize, posts, kinds: sceneKinds, files, examples };
}

interface SplitTarget {
  dir: string;
  split: Split;
  seed: number;
  imageSize: number;
  onPicture: () => void;
}

/** Pictures first, the CSV last: a folder with a CSV has all of its pictures. */
async function writeSplit(posts: PostPlan[], target: SplitTarget): Promise<void> {
  const csv = path.join(target.dir, `${target.split}.csv`);
  const folder = path.join(target.dir, 'images', target.split);
  await rm(csv, { force: true });
  await mkdir(folder, { recursive: true });
  await runConcurrently(posts, availableParallelism() * 2, async ({ imageKind }, i) => {
    const random = createRandom(target.seed, 'demo picture', target.split, i);
    const bytes = await renderScene(imageKind, random, target.imageSize);
    await writeFile(path.join(target.dir, imageName(target.split, i)), bytes);
    target.onPicture();
  });
  await writeFile(
    csv,
    stringify(
      posts.map((post, i) => toRow(post, target.split, i)),
      { header: true },
    ),
  );
}

function imageName(split: Split, index: number): string {
  return `images/${split}/${String(index).padStart(5, '0')}.jpg`;
}

function toRow(post: PostPlan, split: Split, index: number): Record<string, string | number> {
  return {
    id: `${split}-${String(index).padStart(5, '0')}`,
    text_content: post.text,
    image_path: imageName(split, index),
    label: post.label,
    image_kind: post.imageKind,
    caption_kind: post.captionKind,
  };
}

function findExample(posts: PostPlan[], dir: string, label: 0 | 1): DemoPost {
  const index = posts.findIndex((post) => post.label === label);
  const { text, imageKind, captionKind } = posts[index] as PostPlan;
  return {
    imagePath: path.join(dir, imageName('test', index)),
    text,
    label: labelNames[label],
    imageKind,
    captionKind,
  };
}
