import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { temporaryBeside } from '../litter.ts';

const sealBytes = 4;

/** Of the content and of the file's own name, so that one file never passes for another. */
function sealOf(file: string, content: Uint8Array): Uint8Array {
  const seal = new DataView(new ArrayBuffer(sealBytes));
  seal.setUint32(0, crc32(content, crc32(path.basename(file))), true);
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
  const isWhole = Buffer.compare(all.subarray(content.length), sealOf(file, content)) === 0;
  return isWhole ? content : 'damaged';
}

/** Writes a file that other processes see whole or not at all, with a checksum at its end. Its folder is made. */
export function writeSealed(file: string, content: Uint8Array): void {
  const part = temporaryBeside(file);
  mkdirSync(path.dirname(file), { recursive: true });
  try {
    writeFileSync(part, Buffer.concat([content, sealOf(file, content)]));
    renameSync(part, file);
  } catch (error) {
    rmSync(part, { force: true });
    throw error;
  }
}
