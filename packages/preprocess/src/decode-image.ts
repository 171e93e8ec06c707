import { readFile } from 'node:fs/promises';
import { CrosscheckError, messageOf } from '@crosscheck/contract';
import type { Metadata } from 'sharp';
import { decodePixels, readHeader, withAvifBrand } from './decode-pixels.ts';
import { type ImageType, recognizeImageType } from './image-type.ts';
import { resample } from './resample.ts';

/** Default of `maxPixels`: 40 megapixels. */
export const defaultMaxPixels = 40_000_000;

/** No side may be longer than JPEG and GIF can say. */
const maxSide = 65_535;

export interface DecodeOptions {
  /** Pixels per side of the result. */
  size: number;
  /** Width × height above which a picture is refused before it is decoded. */
  maxPixels?: number;
  /** What errors call the picture; default: its path, or "image". */
  name?: string;
}

function unreadable(name: string, cause: unknown): CrosscheckError {
  const reason = messageOf(cause).trim().replaceAll(/\n+/g, '; ');
  return new CrosscheckError(
    'CROSSCHECK_IMAGE_UNREADABLE',
    `expected a whole picture, got ${reason} (${name}); replace the file`,
    { cause },
  );
}

function checkType(bytes: Uint8Array, name: string): ImageType {
  if (bytes.length === 0) throw unreadable(name, 'an empty file');
  const type = recognizeImageType(bytes);
  if (type) return type;
  throw new CrosscheckError(
    'CROSSCHECK_IMAGE_UNSUPPORTED',
    `expected JPEG, PNG, WebP, GIF, AVIF or TIFF by its first bytes, got something else (${name}); convert the picture to one of them`,
  );
}

function checkSize({ width, height }: Metadata, maxPixels: number, name: string): void {
  if (width * height <= maxPixels && Math.max(width, height) <= maxSide) return;
  throw new CrosscheckError(
    'CROSSCHECK_IMAGE_TOO_LARGE',
    `expected at most ${maxPixels} pixels and sides up to ${maxSide}, got ${width}×${height} (${name}); send a smaller picture or raise the limit`,
  );
}

/** Gives the decoded picture's memory back at once: megabytes that wait for the garbage collector cost 1 ms a picture in page faults. */
function release({ buffer }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer) buffer.transfer(0);
}

/**
 * Decodes a picture and stretches it to a square, pixel for pixel as Pillow does with
 * `ImageOps.exif_transpose(image).convert('RGB').resize((size, size), BILINEAR)`: antialiased, alpha dropped, colour profiles ignored,
 * first frame of an animation. The README lists where the two differ.
 *
 * @param source the file's bytes, or its path
 * @returns [size, size, 3] RGB, 0…255
 * @throws CROSSCHECK_IMAGE_UNSUPPORTED, CROSSCHECK_IMAGE_TOO_LARGE, CROSSCHECK_IMAGE_UNREADABLE
 */
export async function decodeImage(source: Uint8Array | string, options: DecodeOptions): Promise<Uint8Array> {
  const { size, maxPixels = defaultMaxPixels, name = typeof source === 'string' ? source : 'image' } = options;
  const readable = <T>(work: Promise<T>) =>
    work.catch((error: unknown) => {
      throw unreadable(name, error);
    });
  const file = typeof source === 'string' ? await readable(readFile(source)) : source;
  const type = checkType(file, name);
  const bytes = type === 'avif' ? withAvifBrand(file) : file;
  const header = await readable(readHeader(bytes));
  checkSize(header, maxPixels, name);
  const pixels = await readable(decodePixels(bytes, type, header, size));
  const square = resample(pixels, size);
  if (square !== pixels.data) release(pixels.data);
  return square;
}
