import type { Metadata } from 'sharp';
import { isShrunkFirst } from '../image/decode-pixels.ts';
import type { ImageType } from '../image/image-type.ts';

/** What is known of a picture before it is decoded. */
export interface CostFacts {
  type: ImageType;
  width: number;
  height: number;
  /** Numbers of a pixel. */
  channels: number;
  /** Of each number: 1, 2 or 4. */
  depthBytes: number;
  /** Several passes: progressive JPEG, interlaced PNG. */
  isProgressive: boolean;
  /** Shrunk strip by strip, so that its pixels are never all there. */
  isStreamed: boolean;
}

/**
 * Bytes that decoding takes at its peak for each pixel, beside the file (`pnpm bench:decode-memory` measures them): what the format keeps of the
 * whole picture, in one pass and in several, and what it takes to lay the pixels out.
 */
const bytesPerPixel: Record<ImageType, { once: number; progressive: number }> = {
  jpeg: { once: 1.5, progressive: 7 },
  png: { once: 0.5, progressive: 5 },
  webp: { once: 9, progressive: 9 },
  gif: { once: 6, progressive: 6 },
  avif: { once: 19, progressive: 19 },
  heic: { once: 20, progressive: 20 },
  bmp: { once: 8, progressive: 8 },
  tiff: { once: 4, progressive: 4 },
};
const laidOut = 5;

/** What any picture takes: its strips on their way, and the square. */
const baseBytes = 24 * 2 ** 20;

/**
 * The bytes of memory that decoding a picture takes at its peak, rather too many than too few. Three channels of a byte are what the table
 * counts; more or wider ones take as much more.
 */
export function decodedCost({ type, width, height, channels, depthBytes, ...facts }: CostFacts): number {
  const kept = bytesPerPixel[type][facts.isProgressive ? 'progressive' : 'once'];
  const wider = Math.max(1, (channels * depthBytes) / 3);
  return baseBytes + Math.ceil(width * height * (kept + (facts.isStreamed ? 0 : laidOut)) * wider);
}

const depthBytes: Record<string, number> = {
  uchar: 1,
  char: 1,
  ushort: 2,
  short: 2,
  double: 8,
  complex: 8,
  dpcomplex: 16,
};

/** What a picture takes whose header sharp has read. */
export function costOf(type: ImageType, metadata: Metadata, size: number): number {
  const { width, height, channels, depth, isProgressive } = metadata;
  const isStreamed = isShrunkFirst(metadata, size);
  return decodedCost({ type, width, height, channels, depthBytes: depthBytes[depth] ?? 4, isProgressive, isStreamed });
}
