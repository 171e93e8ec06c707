import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { threadId } from 'node:worker_threads';
import { crc32 } from 'node:zlib';

const sealBytes = 4;

/** Of the content and of the file's own name, so that one file never passes for another. */
function sealOf(file: string, content: Uint8Array): Uint8Array {
  const seal = new DataView(new ArrayBuffer(sealBytes));
  seal.setUint32(0, crc32(content, crc32(path.basename(file))), true);
  return new Uint8Array(seal.buffer);
}

/** Reads what `writeSealed` wrote. @returns `damaged` when the checksum at the end is another one */
export function readSealed(file: string): Uint8Array | 'missing' | 'damaged' {
  let all: Uint8Array;
  try {
    all = readFileSync(file);
  } catch {
    return 'missing';
  }
  const content = all.subarray(0, Math.max(0, all.length - sealBytes));
  const isWhole = Buffer.compare(all.subarray(content.length), sealOf(file, content)) === 0;
  return isWhole ? content : 'damaged';
}

let written = 0;

/** Writes a file that other processes see whole or not at all, with a checksum at its end. Its folder is made. */
export function writeSealed(file: string, content: Uint8Array): void {
  const part = `${file}.${process.pid}-${threadId}-${written++}.part`;
  mkdirSync(path.dirname(file), { recursive: true });
  try {
    writeFileSync(part, Buffer.concat([content, sealOf(file, content)]));
    renameSync(part, file);
  } catch (error) {
    rmSync(part, { force: true });
    throw error;
  }
}
