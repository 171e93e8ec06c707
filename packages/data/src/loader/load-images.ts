import { createRandom, type ErrorCode, isCrosscheckError, messageOf, type Preprocessing } from '@crosscheck/contract';
import { decodeImage, normalizeImage } from '@crosscheck/preprocess';
import { type Augmentation, augment } from '../augment/augment.ts';
import { runConcurrently } from '../run-concurrently.ts';

/** What is the same for every picture of a loader. Plain data: it travels to worker threads. */
export interface ImageSettings {
  preprocessing: Preprocessing;
  augmentation: Augmentation | null;
  seed: number;
  maxPixels: number | undefined;
  /** [slots, S, S, 3] uint8 */
  cache: SharedArrayBuffer | null;
}

interface ImageRequest {
  /** Position in the dataset's sample list; with seed and epoch it fixes the augmentation. */
  index: number;
  /** `''` for a post without a picture. */
  path: string;
  /** Where its pixels stand, or shall stand, in the cache; -1 for nowhere. */
  slot: number;
  isCached: boolean;
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
}

// A decoded photograph is large before it is resized: this many at once keep the decoder busy and memory bounded.
const CONCURRENT_PICTURES = 4;

/** Decodes (or takes from the cache), augments and normalises the pictures of one batch. */
export async function loadImages(job: ImageJob, settings: ImageSettings): Promise<LoadedImages> {
  const { preprocessing } = settings;
  const imageLength = preprocessing.imageSize ** 2 * 3;
  const image = new Float32Array(job.images.length * imageLength); // [B, S, S, 3]
  const failures: ImageFailure[] = [];
  await runConcurrently(job.images, CONCURRENT_PICTURES, async (request, position) => {
    if (request.path === '') return; // its pixels stay 0
    const pixels = await readPixels(request, position, settings);
    if (!(pixels instanceof Uint8Array)) failures.push(pixels);
    else
      normalizeImage(
        vary(pixels, request.index, job.epoch, settings),
        preprocessing,
        'nhwc',
        image,
        position * imageLength,
      );
  });
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
  return augment(pixels, preprocessing.imageSize, augmentation, createRandom(seed, 'augment', epoch, index));
}

async function readPixels(
  request: ImageRequest,
  position: number,
  settings: ImageSettings,
): Promise<Uint8Array | ImageFailure> {
  const place = cachePlace(request, settings);
  if (place && request.isCached) return place;
  try {
    const { preprocessing, maxPixels } = settings;
    const options = { size: preprocessing.imageSize, ...(maxPixels !== undefined && { maxPixels }) };
    const pixels = await decodeImage(request.path, options);
    place?.set(pixels);
    return pixels;
  } catch (error) {
    const code = isCrosscheckError(error) ? error.code : 'CROSSCHECK_IMAGE_UNREADABLE';
    return { position, code, message: messageOf(error) };
  }
}

function cachePlace({ slot }: ImageRequest, { cache, preprocessing }: ImageSettings): Uint8Array | null {
  if (cache === null || slot < 0) return null;
  const imageBytes = preprocessing.imageSize ** 2 * 3;
  return new Uint8Array(cache, slot * imageBytes, imageBytes);
}
