import { skipBlocks, tableBytes } from './gif-fill.ts';
import type { ImageType } from './image-type.ts';

const jpegEndMarker = 0xd9;

/** A JPEG's markers up to its end (ITU T.81, annex B): segments by their lengths, compressed data up to the next marker. */
export function* jpegMarkers(file: Buffer): Generator<{ marker: number; at: number }> {
  let at = 2;
  for (;;) {
    at = file.indexOf(0xff, at);
    if (at < 0 || at + 2 > file.length) return;
    const marker = file[at + 1] as number;
    const isBare = marker === 0 || marker === 1 || (marker >= 0xd0 && marker <= 0xd7);
    if (!isBare && marker !== 0xff) yield { marker, at };
    if (marker === jpegEndMarker) return;
    if (marker === 0xff) at += 1;
    else if (isBare || at + 4 > file.length) at += 2;
    else at += 2 + file.readUInt16BE(at + 2);
  }
}

/** The offset behind a JPEG's end marker. */
function jpegEnd(file: Buffer): number | null {
  for (const { marker, at } of jpegMarkers(file)) if (marker === jpegEndMarker) return at + 2;
  return null;
}

/** A PNG's chunks (ISO/IEC 15948, 5.3). */
export function* pngChunks(file: Buffer): Generator<{ type: string; at: number; length: number }> {
  for (let at = 8; at + 8 <= file.length; ) {
    const length = file.readUInt32BE(at);
    yield { type: file.toString('latin1', at + 4, at + 8), at, length };
    at += 12 + length;
  }
}

function pngEnd(file: Buffer): number | null {
  for (const { type, at, length } of pngChunks(file)) if (type === 'IEND') return at + 12 + length;
  return null;
}

const trailer = 0x3b;
const heads: Record<number, ((file: Buffer, at: number) => number) | undefined> = {
  33: (_, at) => at + 2, // extension: label
  44: (file, at) => at + 11 + tableBytes(file[at + 9] as number), // frame: place, size, colours, code size
};

/** A GIF's extensions and frames, up to its end. @returns the place of its end; null where there is none */
export function* gifBlocks(file: Buffer): Generator<number, number | null> {
  let at = 13 + tableBytes(file[10] as number);
  while (at < file.length && file[at] !== trailer) {
    const skipHead = heads[file[at] as number];
    if (!skipHead) return null;
    yield at;
    at = skipBlocks(file, skipHead(file, at));
  }
  return at < file.length ? at : null;
}

function gifEnd(file: Buffer): number | null {
  const blocks = gifBlocks(file);
  let next = blocks.next();
  while (!next.done) next = blocks.next();
  return next.value === null ? null : next.value + 1;
}

/** A WebP's chunks, each padded to an even length: frames of an animation, and metadata. */
export function* webpChunks(file: Buffer): Generator<number> {
  for (let at = 12; at + 8 <= file.length; ) {
    yield at;
    const length = file.readUInt32LE(at + 4);
    at += 8 + length + (length % 2);
  }
}

function webpEnd(file: Buffer): number | null {
  const length = file.readUInt32LE(4);
  return 8 + length + (length % 2);
}

/** ISO base media files are boxes up to the end; what does not look like one, or is longer than what is left, is no part of them. */
function avifEnd(file: Buffer): number {
  let at = 0;
  while (at + 8 <= file.length) {
    const length = boxBytes(file, at);
    if (length === null || at + length > file.length) return at;
    at += length;
  }
  return at;
}

function boxBytes(file: Buffer, at: number): number | null {
  const length = file.readUInt32BE(at);
  if (!/^[a-z0-9 ]{4}$/i.test(file.toString('latin1', at + 4, at + 8))) return null;
  if (length === 0) return file.length - at;
  if (length >= 8) return length;
  return length === 1 && at + 16 <= file.length ? Math.max(16, Number(file.readBigUInt64BE(at + 8))) : null;
}

/** A TIFF names its parts by their places, which may be anywhere. */
const ends: Record<ImageType, (file: Buffer) => number | null> = {
  jpeg: jpegEnd,
  png: pngEnd,
  gif: gifEnd,
  webp: webpEnd,
  avif: avifEnd,
  heic: avifEnd,
  bmp: (file) => file.readUInt32LE(2) || null,
  tiff: () => null,
};

/** The offset behind the last byte of a picture; null where that cannot be told, or the picture is cut. */
export function findImageEnd(file: Buffer, type: ImageType): number | null {
  const end = ends[type](file);
  return end === null || end > file.length ? null : end;
}
