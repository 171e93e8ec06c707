import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { replaceFileSync } from '../replace-file.ts';

/** A sealed file ends with a checksum of so many bytes. */
export const sealBytes = 4;

/** The checksum of a file's name and content, so that one file never passes for another; the content may come in pieces. */
export function sealOf(file: string, content: Iterable<Uint8Array>): Uint8Array {
  let sum = crc32(path.basename(file));
  for (const piece of content) sum = crc32(piece, sum);
  const seal = new DataView(new ArrayBuffer(sealBytes));
  seal.setUint32(0, sum, true);
  return new Uint8Array(seal.buffer);
}

/**
 * Reads `bytes` bytes that `writeSealed` wrote.
 *
 * @returns `damaged` when they are more or fewer, or the checksum at the end is another one
 */
export function readSealed(file: string, bytes: number): Uint8Array | 'missing' | 'damaged' {
  let all: Uint8Array;
  try {
    const status = statSync(file);
    // A pipe would wait for ever; what is longer is not worth its memory.
    if (!status.isFile() || status.size !== bytes + sealBytes) return 'damaged';
    all = readFileSync(file);
  } catch {
    return 'missing';
  }
  const content = all.subarray(0, Math.max(0, all.length - sealBytes));
  const isWhole = Buffer.compare(all.subarray(content.length), sealOf(file, [content])) === 0;
  return isWhole ? content : 'damaged';
}

/** Writes a file that other processes see whole or not at all, with a checksum at its end. Its folder is made. */
export function writeSealed(file: string, content: Uint8Array): void {
  replaceFileSync(file, Buffer.concat([content, sealOf(file, [content])]));
}
