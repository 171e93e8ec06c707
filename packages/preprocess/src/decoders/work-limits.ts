import { CrosscheckError } from '@crosscheck/contract';
import { gifBlocks, jpegMarkers, pngChunks, webpChunks } from '../image/image-end.ts';
import type { ImageType } from '../image/image-type.ts';

/** What a file may ask for, however few its bytes are. */
export const workLimits = {
  /** Passes over a progressive JPEG: cameras and web tools write 3 to 12. */
  scans: 100,
  /** Pixels times passes: 25 over the largest picture. */
  scannedPixels: 1_000_000_000,
  /** Segments, chunks and frames, beside the pixels of a PNG: libwebp looks for each frame from the first one on. */
  parts: 10_000,
  /** Bytes of compressed text in a PNG: each may become a thousand. */
  compressedText: 2 ** 18,
  /** Pictures in a TIFF, which stand in a chain. */
  directories: 1000,
  /** Parts of an AVIF: tiles, previews, metadata. */
  items: 1000,
  /** Numbers of a pixel: colours, alpha, and what scanners add. */
  channels: 8,
};

/** What is known of a picture before it is decoded. */
export interface PictureFacts {
  width: number;
  height: number;
  channels?: number | undefined;
}

const scanMarker = 0xda;

/** The scans of a JPEG: each passes over all of its coefficients. */
function countScans(file: Buffer): number {
  let scans = 0;
  for (const { marker } of jpegMarkers(file)) scans += Number(marker === scanMarker);
  return scans;
}

/** As many as there are, or more than there may be. */
function countParts(parts: Iterable<unknown>): number {
  let found = 0;
  for (const _ of parts) if (++found > workLimits.parts) break;
  return found;
}

function* besidePixels(file: Buffer): Generator<string> {
  for (const { type } of pngChunks(file)) if (type !== 'IDAT' && type !== 'fdAT') yield type;
}

/** An `iTXt` chunk says behind its keyword whether its text is compressed (ISO/IEC 15948, 11.3.4.5). */
function isCompressed(file: Buffer, type: string, contents: number): boolean {
  if (type !== 'iTXt') return type === 'zTXt';
  return file[file.indexOf(0, contents) + 1] === 1;
}

function countCompressedText(file: Buffer): number {
  let bytes = 0;
  for (const { type, at, length } of pngChunks(file)) if (isCompressed(file, type, at + 8)) bytes += length;
  return bytes;
}

/** Walks a TIFF's chain of directories, no longer than it may be (TIFF 6.0; BigTIFF has numbers of 64 bits). */
function countDirectories(file: Buffer): number {
  const isLittle = file[0] === 0x49;
  const isBig = file[isLittle ? 2 : 3] === 43;
  const short = (at: number) => (isLittle ? file.readUInt16LE(at) : file.readUInt16BE(at));
  const long = (at: number) => (isLittle ? file.readUInt32LE(at) : file.readUInt32BE(at));
  const quad = (at: number) => Number(isLittle ? file.readBigUInt64LE(at) : file.readBigUInt64BE(at));
  const [address, count, headBytes, entryBytes] = isBig ? [quad, quad, 8, 20] : [long, short, 2, 12];
  let directories = 0;
  try {
    for (let at = address(isBig ? 8 : 4); at > 0 && directories <= workLimits.directories; directories++)
      at = address(at + headBytes + entryBytes * count(at));
  } catch {
    // cut short: the decoder itself will say so
  }
  return directories;
}

const itemList = Buffer.from('iinf', 'latin1');
/** Where an AVIF has its lists: before the pictures themselves. */
const listsEnd = 2 ** 20;

/** The most items that an AVIF announces anywhere (ISO/IEC 14496-12, 8.11.6). */
function countItems(file: Buffer): number {
  let most = 0;
  for (let at = file.indexOf(itemList); at >= 0 && at < listsEnd && at + 12 <= file.length; ) {
    most = Math.max(most, file[at + 4] === 0 ? file.readUInt16BE(at + 8) : file.readUInt32BE(at + 8));
    at = file.indexOf(itemList, at + 1);
  }
  return most;
}

type Limit = keyof typeof workLimits;

/** What a file announces. Of an animation only the first frame is decoded, but all of them are looked for. */
const counts: Record<ImageType, Partial<Record<Limit, (file: Buffer) => number>>> = {
  jpeg: { parts: (file) => countParts(jpegMarkers(file)), scans: countScans },
  png: { parts: (file) => countParts(besidePixels(file)), compressedText: countCompressedText },
  webp: { parts: (file) => countParts(webpChunks(file)) },
  gif: { parts: (file) => countParts(gifBlocks(file)) },
  tiff: { directories: countDirectories },
  avif: { items: countItems },
  heic: { items: countItems },
  bmp: {},
};

/** A picture, and what errors call it. */
interface Named {
  bytes: Uint8Array;
  type: ImageType;
  name: string;
}

function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

function require(limit: Limit, found: number, { type, name }: Named): void {
  if (found <= workLimits[limit]) return;
  const message = `expected ${type.toUpperCase()} with ${limit} up to ${workLimits[limit]}, got ${found} (${name}); save the picture again, as PNG or baseline JPEG`;
  throw new CrosscheckError('CROSSCHECK_IMAGE_TOO_COMPLEX', message);
}

/**
 * Refuses a file that announces more passes or parts than pictures have. Nothing else may read it before.
 *
 * @throws CROSSCHECK_IMAGE_TOO_COMPLEX
 */
export function checkParts(picture: Named): void {
  const file = asBuffer(picture.bytes);
  for (const [limit, count] of Object.entries(counts[picture.type])) require(limit as Limit, count(file), picture);
}

/**
 * Refuses a picture that is more work than its size says.
 *
 * @throws CROSSCHECK_IMAGE_TOO_COMPLEX
 */
export function checkWork(picture: Named, { width, height, channels = 0 }: PictureFacts): void {
  require('channels', channels, picture);
  if (picture.type === 'jpeg') require('scannedPixels', countScans(asBuffer(picture.bytes)) * width * height, picture);
}

/** Pixels times passes that decode in about a second at most. */
const quickPixels = 12_000_000;
const quickBytes = 16 * 2 ** 20;
/** Those whose work their size bounds: in a TIFF there may be pictures of other kinds and tiles of any size, in an AVIF frames that nobody sees. */
export const boundedTypes: readonly ImageType[] = ['jpeg', 'png', 'webp', 'gif'];

/** Whether a picture that was found to be fit is certainly decoded in a moment. */
export function isQuickWork({ type, bytes }: Pick<Named, 'type' | 'bytes'>, { width, height }: PictureFacts): boolean {
  const passes = type === 'jpeg' ? countScans(asBuffer(bytes)) : 1;
  return boundedTypes.includes(type) && bytes.length <= quickBytes && passes * width * height <= quickPixels;
}
