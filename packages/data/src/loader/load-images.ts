import { createRandom, type ErrorCode, isCrosscheckError, messageOf, type Preprocessing } from '@crosscheck/contract';
import { forEachConcurrently } from '@crosscheck/files';
import {
  type ByteBudget,
  decodeImage,
  defaultDecodedBytes,
  defaultMaxPixels,
  normalizeImage,
  openByteBudget,
  readImageFileSync,
} from '@crosscheck/preprocess';
import { type Augmentation, augmentOnCanvas } from '../augment/augment.ts';
import { openPixelCache, type PixelCache, type PixelCacheOptions } from '../cache/pixel-cache.ts';

/** What is the same for every picture of a loader. Plain data: it travels to worker threads. */
export interface ImageSettings {
  preprocessing: Preprocessing;
  augmentation: Augmentation | null;
  seed: number;
  maxPixels: number | undefined;
  pixelCache: PixelCacheOptions | null;
}

interface ImageRequest {
  /** Position in the dataset's sample list; with seed and epoch it fixes the augmentation. */
  index: number;
  /** `''` for a post without a picture. */
  path: string;
}

export interface ImageJob {
  epoch: number;
  images: ImageRequest[];
}

interface ImageFailure {
  /** Position in the job. */
  position: number;
  code: ErrorCode;
  message: string;
}

/** The pictures of one job that could be read, in its order, and why the others could not. */
export interface LoadedImages {
  /** Positions in the job of the n pictures that follow. */
  positions: number[];
  /** [n, S, S, 3] float32 NHWC, normalised. */
  image: Float32Array<ArrayBuffer>;
  failures: ImageFailure[];
  /** What did not stop anything but should be known. */
  warnings: string[];
}

// A decoded photograph is large before it is resized: this many at once keep the decoder busy and memory bounded.
const CONCURRENT_PICTURES = 4;

/** What a thread decodes with. */
interface Decoding {
  cache: PixelCache | null;
  budget: ByteBudget;
}

/** Loads the pictures of one batch after another. */
export type ImageReader = (job: ImageJob) => Promise<LoadedImages>;

/** Opens what a thread needs to decode pictures (or take them from the cache), augment and normalise them. */
export function openImageReader(settings: ImageSettings): ImageReader {
  const { pixelCache, preprocessing, maxPixels = defaultMaxPixels } = settings;
  const cache = pixelCache && openPixelCache(pixelCache, { size: preprocessing.imageSize, maxPixels });
  const decoding = { cache, budget: openByteBudget(defaultDecodedBytes) };
  return async (job) => {
    const loaded = await loadImages(job, settings, decoding);
    return { ...loaded, warnings: cache?.takeWarnings() ?? [] };
  };
}

async function loadImages(
  job: ImageJob,
  settings: ImageSettings,
  decoding: Decoding,
): Promise<Omit<LoadedImages, 'warnings'>> {
  const { preprocessing } = settings;
  const imageLength = preprocessing.imageSize ** 2 * 3;
  const image = new Float32Array(job.images.length * imageLength); // [B, S, S, 3]
  const failures: ImageFailure[] = [];
  const load = async ({ path, index }: (typeof job.images)[number], position: number) => {
    if (path === '') return; // its pixels stay 0
    const pixels = await readPixels(path, settings, decoding).catch((error: unknown) => {
      const code = isCrosscheckError(error) ? error.code : 'CROSSCHECK_IMAGE_UNREADABLE';
      failures.push({ position, code, message: messageOf(error) });
    });
    if (!pixels) return;
    // No other picture may come between these two: both are synchronous.
    const varied = vary(pixels, index, job.epoch, settings);
    normalizeImage(varied, preprocessing, 'nhwc', image, position * imageLength);
  };
  await forEachConcurrently(job.images, CONCURRENT_PICTURES, load, { heedsStop: false });
  failures.sort((a, b) => a.position - b.position);
  const failed = new Set(failures.map(({ position }) => position));
  const positions = [...job.images.keys()].filter((position) => !failed.has(position));
  return { positions, image: keepRows(image, positions, imageLength), failures };
}

/** [B, …] → [n, …] */
function keepRows(all: Float32Array<ArrayBuffer>, positions: number[], rowLength: number): Float32Array<ArrayBuffer> {
  if (positions.length * rowLength === all.length) return all;
  for (const [row, position] of positions.entries()) {
    all.copyWithin(row * rowLength, position * rowLength, (position + 1) * rowLength);
  }
  return all.slice(0, positions.length * rowLength);
}

function vary(pixels: Uint8Array, index: number, epoch: number, settings: ImageSettings): Uint8Array {
  const { augmentation, preprocessing, seed } = settings;
  if (augmentation === null) return pixels;
  return augmentOnCanvas(pixels, preprocessing.imageSize, augmentation, createRandom(seed, 'augment', epoch, index));
}

async function readPixels(
  path: string,
  { preprocessing, maxPixels }: ImageSettings,
  { cache, budget }: Decoding,
): Promise<Uint8Array> {
  const options = { size: preprocessing.imageSize, maxPixels, name: path, budget };
  if (cache === null) return decodeImage(readAtOnce(path) ?? path, options);
  const found = cache.find(path);
  if (found.pixels) return found.pixels;
  const pixels = await decodeImage(found.bytes ?? path, options);
  found.keep(pixels);
  return pixels;
}

/** In a worker thread, the four turns of an asynchronous read cost more than the read. @returns null when whoever decodes it must say why */
function readAtOnce(path: string): Uint8Array | null {
  try {
    return readImageFileSync(path);
  } catch {
    return null;
  }
}
