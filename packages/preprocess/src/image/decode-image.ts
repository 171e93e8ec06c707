import { CrosscheckError, messageOf } from '@crosscheck/contract';
import type { Metadata } from 'sharp';
import type { ByteBudget } from '../decoders/byte-budget.ts';
import { costOf } from '../decoders/decoded-cost.ts';
import { checkParts, checkWork, isQuickWork } from '../decoders/work-limits.ts';
import { describeFile } from '../formats/file-kind.ts';
import { decodeJpeg } from '../jpeg/decode-jpeg.ts';
import { type JpegHeader, readJpegHeader } from '../jpeg/header.ts';
import { findAppendedFile } from './appended-file.ts';
import { decodePixels, readHeader, withAvifBrand } from './decode-pixels.ts';
import { readImageFile } from './image-file.ts';
import { type ImageType, imageTypeNames, recognizeImageType } from './image-type.ts';
import { resample } from './resample.ts';

/** Default of `maxPixels`: 40 megapixels. */
export const defaultMaxPixels = 40_000_000;

/** No side may be longer than JPEG and GIF can say. */
const maxSide = 65_535;

export interface DecodeOptions {
  /** Pixels per side of the result. */
  size: number;
  /** Width × height above which a picture is refused before it is decoded. */
  maxPixels?: number | undefined;
  /** Width and height below which a picture is refused. @default 1 */
  minSide?: number | undefined;
  /** Refuse a picture that has a file of another kind (ZIP, PDF, script, program) behind its end. @default false */
  refuseAppended?: boolean | undefined;
  /** What errors call the picture; default: its path, or "image". */
  name?: string;
}

/** For those that decode in this process. */
export interface SharedOptions extends DecodeOptions {
  /** Shared with others: waits until there is room for what decoding takes. */
  budget?: ByteBudget | undefined;
  /** Ends the waiting. */
  signal?: AbortSignal | undefined;
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
    `expected ${imageTypeNames} by its first bytes, got ${describeFile(bytes)} (${name}); convert the picture to one of them`,
  );
}

function checkAlone(bytes: Uint8Array, type: ImageType, name: string): void {
  const appended = findAppendedFile(bytes, type);
  if (appended === null) return;
  const message = `expected a picture and nothing else, got ${type.toUpperCase()} with a ${appended} behind its end (${name}); save the picture again`;
  throw new CrosscheckError('CROSSCHECK_IMAGE_POLYGLOT', message);
}

function checkSize(
  { width, height }: { width: number; height: number },
  { maxPixels = defaultMaxPixels, minSide = 1 }: DecodeOptions,
  name: string,
): void {
  if (Math.min(width, height) < minSide) {
    const message = `expected sides of at least ${minSide} pixels, got ${width}×${height} (${name}); send a larger picture`;
    throw new CrosscheckError('CROSSCHECK_IMAGE_TOO_SMALL', message);
  }
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

/** A picture whose bytes were looked at, but not decoded. */
export interface OpenImage {
  bytes: Uint8Array;
  /** Whether it is of the kind that decodes in about 15 ms per megabyte, and may be decoded where others should not. */
  isDirect: boolean;
}

/** And what decoding it needs. */
interface CheckedImage extends OpenImage {
  type: ImageType;
  /** Of a picture that `isDirect`. */
  header: JpegHeader | null;
}

/**
 * Reads a picture, and refuses what can be refused without decoding it.
 *
 * @param source the file's bytes, or its path
 * @throws CROSSCHECK_IMAGE_UNSUPPORTED, CROSSCHECK_IMAGE_POLYGLOT; CROSSCHECK_IMAGE_UNREADABLE for a path that cannot be read; for a picture that
 * `isDirect`, CROSSCHECK_IMAGE_TOO_LARGE, CROSSCHECK_IMAGE_TOO_SMALL
 */
export async function openImage(source: Uint8Array | string, options: DecodeOptions): Promise<OpenImage> {
  const { bytes, isDirect } = await checkImage(source, options);
  return { bytes, isDirect };
}

async function checkImage(source: Uint8Array | string, options: DecodeOptions): Promise<CheckedImage> {
  const name = nameOf(source, options);
  const bytes = typeof source === 'string' ? await readImageFile(source) : source;
  const type = checkType(bytes, name);
  if (options.refuseAppended) checkAlone(bytes, type, name);
  const header = type === 'jpeg' ? readJpegHeader(asBuffer(bytes)) : null;
  if (header) checkSize(header, options, name);
  const isDirect = header !== null && isShrunk(header, options.size);
  return { bytes, isDirect, type, header: isDirect ? header : null };
}

/** Smaller pictures are enlarged pixel by pixel. */
function isShrunk({ width, height }: { width: number; height: number }, size: number): boolean {
  return Math.min(width, height) >= Math.max(size, 8);
}

function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

function nameOf(source: Uint8Array | string, { name }: DecodeOptions): string {
  return name ?? (typeof source === 'string' ? source : 'image');
}

function explained<T>(work: Promise<T>, name: string): Promise<T> {
  return work.catch((error: unknown) => {
    throw unreadable(name, error);
  });
}

/** A picture that may be decoded. */
export interface WeighedImage extends OpenImage {
  /** Bytes of memory that decoding takes at its peak. */
  cost: number;
  /** Whether its header says that it takes no more than a moment. */
  isQuick: boolean;
}

/** And how. */
interface Weighed extends WeighedImage {
  type: ImageType;
  /** As sharp reads it. */
  metadata: Metadata;
}

/**
 * Reads a picture's header and says what decoding it takes; refuses what can be refused by that.
 *
 * @param source the file's bytes, or its path
 * @throws CROSSCHECK_IMAGE_UNSUPPORTED, CROSSCHECK_IMAGE_TOO_LARGE, CROSSCHECK_IMAGE_TOO_SMALL, CROSSCHECK_IMAGE_TOO_COMPLEX,
 * CROSSCHECK_IMAGE_POLYGLOT, CROSSCHECK_IMAGE_UNREADABLE
 */
export async function weighImage(source: Uint8Array | string, options: DecodeOptions): Promise<WeighedImage> {
  const { bytes, isDirect, cost, isQuick } = await prepareImage(source, options);
  return { bytes, isDirect, cost, isQuick };
}

/** The same, and how to decode it in this process. */
export async function prepareImage(
  source: Uint8Array | string,
  options: DecodeOptions,
): Promise<WeighedImage & { decode: () => Promise<Uint8Array> }> {
  const { size } = options;
  const name = nameOf(source, options);
  const image = await checkImage(source, options);
  // A file that is not decoded straight after all takes what others of its kind do.
  const weighed = await weigh(image, options, name);
  const decode = async () => decodeStraight(image, size) ?? (await decodeWeighed(weighed, size, name));
  return { bytes: image.bytes, isDirect: image.isDirect, cost: weighed.cost, isQuick: weighed.isQuick, decode };
}

/** @returns null for damaged pictures, and for those with numbers that no picture has */
function decodeStraight({ bytes, header }: CheckedImage, size: number): Uint8Array | null {
  return header && decodeJpeg(bytes, header, size);
}

async function weigh({ bytes: file, type }: CheckedImage, options: DecodeOptions, name: string): Promise<Weighed> {
  checkParts({ bytes: file, type, name });
  const bytes = type === 'avif' ? withAvifBrand(file) : file;
  const metadata = await explained(readHeader(bytes, type), name);
  checkSize(metadata, options, name);
  checkWork({ bytes, type, name }, metadata);
  const isQuick = isQuickWork({ bytes, type }, metadata);
  return { bytes, type, metadata, isDirect: false, isQuick, cost: costOf(type, metadata, options.size) };
}

/**
 * As `decodeImage` does, for a picture that `isDirect`: with memory and time that its bytes bound, and nothing but our own code.
 *
 * @returns null for one that takes the long way after all: damaged ones, and those with numbers that no picture has
 * @throws what `openImage` throws
 */
export async function decodeDirectly(source: Uint8Array | string, options: DecodeOptions): Promise<Uint8Array | null> {
  return decodeStraight(await checkImage(source, options), options.size);
}

/**
 * Decodes a picture and stretches it to a square, as Pillow does with
 * `ImageOps.exif_transpose(image).convert('RGB').resize((size, size), BILINEAR)`: antialiased, alpha dropped, colour profiles ignored,
 * first frame of an animation. Pixel for pixel, but for JPEG, which differs by a fraction of 1/255, and for what the README lists.
 *
 * @param source the file's bytes, or its path
 * @returns [size, size, 3] RGB, 0…255
 * @throws CROSSCHECK_IMAGE_UNSUPPORTED, CROSSCHECK_IMAGE_TOO_LARGE, CROSSCHECK_IMAGE_TOO_SMALL, CROSSCHECK_IMAGE_TOO_COMPLEX,
 * CROSSCHECK_IMAGE_POLYGLOT, CROSSCHECK_IMAGE_UNREADABLE; with a budget CROSSCHECK_IMAGE_OVER_BUDGET and the signal's reason
 */
export async function decodeImage(source: Uint8Array | string, options: SharedOptions): Promise<Uint8Array> {
  const { size } = options;
  const name = nameOf(source, options);
  const image = await checkImage(source, options);
  const direct = decodeStraight(image, size);
  if (direct) return direct;
  const weighed = await weigh(image, options, name);
  const giveBack = await options.budget?.take(weighed.cost, { name, signal: options.signal });
  try {
    return await decodeWeighed(weighed, size, name);
  } finally {
    giveBack?.();
  }
}

async function decodeWeighed({ bytes, type, metadata }: Weighed, size: number, name: string): Promise<Uint8Array> {
  const pixels = await explained(decodePixels(bytes, type, metadata, size), name);
  const square = resample(pixels, size);
  if (square !== pixels.data) release(pixels.data);
  return square;
}
