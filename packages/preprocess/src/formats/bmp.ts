// BMP as Windows has written it since 1990. The decoders on npm shift the channels of palettes or refuse 16 bits, so this one is ours.
import type { Metadata } from 'sharp';
import type { Pixels } from '../image/resample.ts';
import { wholeHeader } from './heif.ts';

interface BmpHead {
  width: number;
  height: number;
  /** Else the last row comes first. */
  isTopDown: boolean;
  /** Of a pixel: 1, 4, 8, 16, 24 or 32. */
  bits: number;
  packing: 'none' | 'runs of 8' | 'runs of 4';
  /** Of red, green and blue, where a pixel has 16 or 32 bits. */
  masks: number[];
  /** [colours, 3] RGB */
  palette: Uint8Array;
  pixelsAt: number;
}

const packings: Record<number, BmpHead['packing'] | undefined> = {
  0: 'none',
  1: 'runs of 8',
  2: 'runs of 4',
  3: 'none',
  6: 'none',
};
const allowedBits = [1, 4, 8, 16, 24, 32];
const defaultMasks: Record<number, number[]> = { 16: [0x7c00, 0x03e0, 0x001f], 32: [0xff0000, 0x00ff00, 0x0000ff] };

interface Facts {
  headBytes: number;
  width: number;
  height: number;
  bits: number;
  compression: number;
  colours: number;
  entryBytes: number;
}

/** OS/2's header of 12 bytes has short sizes and three bytes for a colour. */
function readFacts(file: Buffer): Facts {
  const headBytes = file.readUInt32LE(14);
  if (headBytes === 12) {
    const [width = 0, height = 0, bits = 0] = [18, 20, 24].map((at) => file.readUInt16LE(at));
    return { headBytes, width, height, bits, compression: 0, colours: 0, entryBytes: 3 };
  }
  if (headBytes < 40) throw new Error(`a BMP with a header of ${headBytes} bytes`);
  const [width, height, bits] = [file.readInt32LE(18), file.readInt32LE(22), file.readUInt16LE(28)];
  const [compression, colours] = [file.readUInt32LE(30), file.readUInt32LE(46)];
  return { headBytes, width, height, bits, compression, colours, entryBytes: 4 };
}

/** @throws RangeError for what is cut short */
function readHead(file: Buffer): BmpHead {
  const facts = readFacts(file);
  const { headBytes, width, height, bits, compression } = facts;
  const packing = packings[compression];
  if (!packing || !allowedBits.includes(bits) || width < 1 || height === 0)
    throw new Error(`a BMP of ${width}×${height} with ${bits} bits and compression ${compression}`);
  const maskBytes = { 3: 12, 6: 16 }[compression] ?? 0;
  const masks = maskBytes > 0 ? [54, 58, 62].map((at) => file.readUInt32LE(at)) : (defaultMasks[bits] ?? []);
  const paletteAt = 14 + headBytes + (headBytes === 40 ? maskBytes : 0);
  const palette = bits > 8 ? new Uint8Array() : readPalette(file, paletteAt, facts);
  const pixelsAt = file.readUInt32LE(10);
  return { width, height: Math.abs(height), isTopDown: height < 0, bits, packing, masks, palette, pixelsAt };
}

/** Colours that are not there are black. */
function readPalette(file: Buffer, start: number, { bits, colours, entryBytes }: Facts): Uint8Array {
  const palette = new Uint8Array(3 * 2 ** bits);
  const count = Math.min(colours || 2 ** bits, 2 ** bits);
  for (let colour = 0; colour < count; colour++) {
    for (let channel = 0; channel < 3; channel++)
      palette[3 * colour + channel] = file.readUInt8(start + entryBytes * colour + 2 - channel);
  }
  return palette;
}

const asBuffer = ({ buffer, byteOffset, byteLength }: Uint8Array) => Buffer.from(buffer, byteOffset, byteLength);

export async function readBmpHeader(bytes: Uint8Array): Promise<Metadata> {
  const { width, height } = readHead(asBuffer(bytes));
  return wholeHeader(width, height);
}

/** To RGB; the alpha of 32 bits is dropped, as that of other formats is. */
export async function decodeBmp(bytes: Uint8Array): Promise<Pixels> {
  const file = asBuffer(bytes);
  const head = readHead(file);
  const { width, height, isTopDown } = head;
  const data = new Uint8Array(3 * width * height);
  const rowAt = (row: number) => 3 * width * (isTopDown ? row : height - 1 - row);
  if (head.packing === 'none') readRows(file, head, (row) => data.subarray(rowAt(row), rowAt(row) + 3 * width));
  else
    readRuns(file, head, (x, row, colour) =>
      data.set(head.palette.subarray(3 * colour, 3 * colour + 3), rowAt(row) + 3 * x),
    );
  return { data, width, height };
}

/** Rows of four-byte words. */
function readRows(file: Buffer, head: BmpHead, target: (row: number) => Uint8Array): void {
  const rowBytes = 4 * Math.ceil((head.bits * head.width) / 32);
  if (head.pixelsAt + rowBytes * head.height > file.length) throw new Error('a BMP that is cut short');
  const read = head.bits <= 8 ? readIndices : head.bits === 24 ? readBgr : readMasked;
  for (let row = 0; row < head.height; row++) read(file, head.pixelsAt + row * rowBytes, head, target(row));
}

type ReadRow = (file: Buffer, at: number, head: BmpHead, rgb: Uint8Array) => void;

const readIndices: ReadRow = (file, at, { bits, width, palette }, rgb) => {
  for (let x = 0; x < width; x++) {
    const bit = x * bits;
    const byte = file[at + (bit >> 3)] as number;
    const colour = (byte >> (8 - bits - (bit & 7))) & (2 ** bits - 1);
    for (let channel = 0; channel < 3; channel++) rgb[3 * x + channel] = palette[3 * colour + channel] as number;
  }
};

const readBgr: ReadRow = (file, at, { width }, rgb) => {
  for (let byte = 0; byte < 3 * width; byte += 3)
    for (let channel = 0; channel < 3; channel++) rgb[byte + channel] = file[at + byte + 2 - channel] as number;
};

const readMasked: ReadRow = (file, at, { bits, width, masks }, rgb) => {
  const channels = masks.map((mask) => ({
    mask,
    shift: 31 - Math.clz32(mask & -mask),
    most: mask >>> (31 - Math.clz32(mask & -mask)),
  }));
  for (let x = 0; x < width; x++) {
    const pixel = bits === 16 ? file.readUInt16LE(at + 2 * x) : file.readUInt32LE(at + 4 * x);
    for (const [channel, { mask, shift, most }] of channels.entries())
      rgb[3 * x + channel] = most === 0 ? 0 : Math.floor((((pixel & mask) >>> shift) * 255) / most);
  }
};

/** Runs of one colour, stretches of several, and jumps; what nothing is said of is colour 0. */
function readRuns(
  file: Buffer,
  { packing, width, height, pixelsAt, palette }: BmpHead,
  paint: (x: number, row: number, colour: number) => void,
): void {
  const isNibbles = packing === 'runs of 4';
  let [at, x, row] = [pixelsAt, 0, 0];
  const put = (colour: number) => {
    if (x < width && row < height && 3 * colour < palette.length) paint(x, row, colour);
    x++;
  };
  const half = (byte: number, i: number) => (isNibbles ? (byte >> (i % 2 === 0 ? 4 : 0)) & 15 : byte);
  for (let row0 = 0; row0 < height; row0++) for (let x0 = 0; x0 < width; x0++) paint(x0, row0, 0);
  while (row < height) {
    const [count, value] = [file.readUInt8(at), file.readUInt8(at + 1)];
    at += 2;
    if (count > 0) for (let i = 0; i < count; i++) put(half(value, i));
    else if (value === 0) [x, row] = [0, row + 1];
    else if (value === 1) return;
    else if (value === 2) [x, row, at] = [x + file.readUInt8(at), row + file.readUInt8(at + 1), at + 2];
    else {
      for (let i = 0; i < value; i++) put(half(file.readUInt8(at + (isNibbles ? i >> 1 : i)), i));
      const bytes = isNibbles ? (value + 1) >> 1 : value;
      at += bytes + (bytes % 2);
    }
  }
}
