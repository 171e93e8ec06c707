import { decodePixels, readHeader } from '../../src/image/decode-pixels.ts';
import { resample } from '../../src/image/resample.ts';
import { decodeJpeg } from '../../src/jpeg/decode-jpeg.ts';
import { readJpegHeader } from '../../src/jpeg/header.ts';

/** What the direct way promises against libjpeg and Pillow's resize, in 255ths. */
export const promise = { mean: 2, max: 24 };

export interface Judgement {
  mean: number;
  max: number;
  /** The larger share of what is promised: above 1 the promise is broken. */
  score: number;
}

/**
 * How far the direct way is from the exact one.
 *
 * @returns null where it does not accept the file; a score of Infinity where it accepts what the exact way refuses
 */
export async function judge(file: Buffer, size: number): Promise<Judgement | null> {
  const header = readJpegHeader(file);
  if (!header || Math.min(header.width, header.height) < Math.max(size, 8)) return null;
  const direct = decodeJpeg(file, header, size);
  if (!direct) return null;
  const exact = await decodeExactly(file, size).catch(() => null);
  return exact ? compare(direct, exact) : { mean: Infinity, max: Infinity, score: Infinity };
}

async function decodeExactly(file: Buffer, size: number): Promise<Uint8Array> {
  return resample(await decodePixels(file, 'jpeg', await readHeader(file, 'jpeg'), size), size);
}

function compare(direct: Uint8Array, exact: Uint8Array): Judgement {
  let [sum, max] = [0, 0];
  for (const [i, value] of direct.entries()) {
    const difference = Math.abs(value - (exact[i] as number));
    sum += difference;
    max = Math.max(max, difference);
  }
  const mean = sum / direct.length;
  return { mean, max, score: Math.max(mean / promise.mean, max / promise.max) };
}
