import { availableParallelism } from 'node:os';
import path from 'node:path';
import { createRandom, type Random } from '@crosscheck/contract';
import { forEachConcurrently, writeWhole } from '@crosscheck/files';
import { composeSplits, type PostPlan } from './compose-posts.ts';
import {
  clearDemoFolder,
  type DemoPost,
  findExample,
  imageName,
  type Split,
  writeExamples,
  writeManifest,
} from './demo-folder.ts';
import { type Difficulty, type SceneKind, sceneKinds } from './kinds.ts';
import { renderPair, renderScene } from './render-scene.ts';

export interface DemoOptions {
  /** Receives `train.csv`, `val.csv`, `test.csv` and `images/{train,val,test}/`. */
  dir: string;
  /** @default 'easy' */
  difficulty?: Difficulty;
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

/**
 * Makes small news posts without any download: drawn JPEGs and written captions, half of them mismatched. Every kind of picture
 * and every kind of caption is as often REAL as FAKE, in every difficulty, so that neither alone can beat 50 %. The same options give the same bytes.
 * Demo posts of an earlier run in the same folder are replaced.
 *
 * @throws CROSSCHECK_DATA_DEMO_SIZE, CROSSCHECK_DATA_DEMO_FOLDER
 */
export async function generateDemo(options: DemoOptions): Promise<DemoSummary> {
  const { difficulty = 'easy', seed = 7, imageSize = 160, onProgress = () => {} } = options;
  const posts = { train: options.train ?? 2000, val: options.val ?? 400, test: options.test ?? 400 };
  const dir = path.resolve(options.dir);
  const splits = composeSplits(posts, seed, difficulty);
  await clearDemoFolder(dir);
  const total = posts.train + posts.val + posts.test;
  let done = 0;
  const write = async (split: Split) => {
    await drawPictures(splits[split], {
      dir,
      split,
      seed,
      imageSize,
      difficulty,
      onPicture: () => onProgress(++done, total),
    });
    return writeManifest(dir, split, splits[split]);
  };
  const files = { train: await write('train'), val: await write('val'), test: await write('test') };
  const examples = { real: findExample(splits.test, dir, 0), fake: findExample(splits.test, dir, 1) };
  await writeExamples(dir, [examples.real, examples.fake], difficulty);
  return { dir, seed, imageSize, posts, kinds: sceneKinds, files, examples };
}

interface PictureTarget {
  dir: string;
  split: Split;
  seed: number;
  imageSize: number;
  difficulty: Difficulty;
  onPicture: () => void;
}

async function drawPictures(posts: readonly PostPlan[], target: PictureTarget): Promise<void> {
  const { dir, split, seed } = target;
  await forEachConcurrently(posts, availableParallelism() * 2, async (post, i) => {
    const bytes = await drawPicture(post, createRandom(seed, 'demo picture', split, i), target);
    writeWhole(path.join(dir, imageName(split, i)), bytes);
    target.onPicture();
  });
}

function drawPicture({ imageKind, otherKind }: PostPlan, random: Random, target: PictureTarget): Promise<Buffer> {
  const { difficulty, imageSize } = target;
  if (difficulty !== 'hard') return renderScene(imageKind, random, imageSize);
  const [above, below] = random.shuffle([imageKind, otherKind as SceneKind]) as [SceneKind, SceneKind];
  return renderPair(above, below, random, imageSize);
}
