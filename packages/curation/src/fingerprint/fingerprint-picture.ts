import { createHash } from 'node:crypto';
import { type ErrorCode, isCrosscheckError } from '@crosscheck/contract';
import { sha256Of } from '@crosscheck/files';
import {
  decodeImage,
  defaultDecodedBytes,
  defaultMaxPixels,
  type ImageType,
  openByteBudget,
  openWithSharp,
  readImageFile,
  recognizeImageType,
} from '@crosscheck/preprocess';
import { HASH_SIDE, perceptualHash, toGrey } from './perceptual-hash.ts';

/** Pixels per side of the small copy that two pictures are compared by. */
export const COPY_SIDE = 16;

/** What is remembered of a picture that could be decoded to its end. */
export interface PictureFingerprint {
  /** Of the file, hex. */
  sha256: string;
  md5: string;
  type: ImageType;
  bytes: number;
  /** In pixels, as stored. */
  width: number;
  height: number;
  hash: bigint;
  /** A small colour copy. [16, 16, 3] uint8 */
  copy: Uint8Array;
  /** Standard deviation of its luminance, 0…127: below a few, there is nothing to see. */
  contrast: number;
}

/** A picture that cannot be used, and why. */
export interface UnreadablePicture {
  sha256: string | null;
  code: ErrorCode;
  message: string;
}

/** Of all pictures that this thread looks at. */
const budget = openByteBudget(defaultDecodedBytes);

/**
 * Decodes a picture and describes it for comparison with others.
 *
 * @param source the file's bytes, or its path
 * @throws CROSSCHECK_IMAGE_UNSUPPORTED, CROSSCHECK_IMAGE_TOO_LARGE, CROSSCHECK_IMAGE_UNREADABLE
 */
export async function fingerprintPicture(
  source: Uint8Array | string,
  { name = typeof source === 'string' ? source : 'image', maxPixels = defaultMaxPixels } = {},
): Promise<PictureFingerprint> {
  const bytes = typeof source === 'string' ? await readImageFile(source) : source;
  const rgb = await decodeImage(bytes, { size: HASH_SIDE, maxPixels, name, budget }); // [32, 32, 3]
  const { width, height } = await (await openWithSharp(bytes)).metadata();
  const grey = toGrey(rgb); // [32, 32]
  return {
    sha256: sha256Of(bytes),
    md5: createHash('md5').update(bytes).digest('hex'),
    type: recognizeImageType(bytes) as ImageType,
    bytes: bytes.length,
    width,
    height,
    hash: perceptualHash(grey),
    copy: shrink(rgb),
    contrast: deviation(grey),
  };
}

/** The fingerprint, or why there is none. */
export async function tryFingerprint(
  source: string,
  maxPixels = defaultMaxPixels,
): Promise<PictureFingerprint | UnreadablePicture> {
  const bytes = await readImageFile(source).catch(() => null);
  try {
    return await fingerprintPicture(bytes ?? source, { name: source, maxPixels });
  } catch (error) {
    if (!isCrosscheckError(error)) throw error;
    return { sha256: bytes && sha256Of(bytes), code: error.code, message: error.message };
  }
}

/** Averages of 2×2 pixels. [32, 32, 3] → [16, 16, 3] */
function shrink(rgb: Uint8Array): Uint8Array {
  const row = HASH_SIDE * 3;
  return Uint8Array.from({ length: COPY_SIDE * COPY_SIDE * 3 }, (_, i) => {
    const [channel, pixel] = [i % 3, Math.floor(i / 3)];
    const corner = Math.floor(pixel / COPY_SIDE) * 2 * row + (pixel % COPY_SIDE) * 6 + channel;
    const sum = [corner, corner + 3, corner + row, corner + row + 3].reduce(
      (total, at) => total + (rgb[at] as number),
      0,
    );
    return Math.round(sum / 4);
  });
}

function deviation(values: Float64Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}
