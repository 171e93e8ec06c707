import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { makeRoom, markUsed, sealBytes, sealOf, temporaryBeside } from '@crosscheck/files';
import { type FeatureSet, type RowShape, readFeatures, rowWidth } from './feature-set.ts';
import { type RowStorage, storeInFile } from './row-storage.ts';

const chunkBytes = 1 << 20;

/** Features in a file that is kept open. */
export interface KeptFeatures {
  features: FeatureSet;
  close(): void;
}

/** Features that are being written. They get their name once all are there, so that nobody ever sees a part of them. */
export interface FeatureDraft {
  /** Where they are meanwhile. */
  file: string;
  storage: RowStorage;
  /** Puts on the disk what was written, for other processes to see. */
  flush(): void;
  /** @param isWorthKeeping false: they go when they are closed */
  finish(rows: number, isWorthKeeping: boolean): KeptFeatures;
  discard(): void;
}

/** Features on disk, named by what decided them; the oldest go when there are more than `maxBytes`. Runs may share a folder. */
export interface FeatureCache {
  dir: string;
  /** @returns `damaged` when the checksum at the end is another one, null when there are none */
  find(key: string, shape: RowShape): KeptFeatures | 'damaged' | null;
  /** @throws when the folder cannot be written, or has no room */
  begin(key: string, shape: RowShape, rows: number): FeatureDraft;
}

export function openFeatureCache(dir: string, maxBytes: number): FeatureCache {
  const usedSince = Date.now();
  const fileOf = (key: string) => path.join(dir, key);
  return {
    dir,
    find(key, shape) {
      const descriptor = openIfThere(fileOf(key));
      if (descriptor === null) return null;
      const rowBytes = rowWidth(shape) * Float32Array.BYTES_PER_ELEMENT;
      const contentBytes = fstatSync(descriptor).size - sealBytes;
      if (contentBytes <= 0 || contentBytes % rowBytes !== 0 || !isWhole(descriptor, key, contentBytes)) {
        closeSync(descriptor);
        return 'damaged';
      }
      markUsed(fileOf(key));
      return keep(descriptor, shape, contentBytes / rowBytes);
    },
    begin(key, shape, rows) {
      mkdirSync(dir, { recursive: true });
      const bytes = rows * rowWidth(shape) * Float32Array.BYTES_PER_ELEMENT + sealBytes;
      if (makeRoom(dir, bytes, { maxBytes, usedSince }) < bytes) throw new Error('other runs fill it');
      return draft(fileOf(key), shape);
    },
  };
}

function openIfThere(file: string): number | null {
  try {
    // A pipe would wait for ever.
    const descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    if (fstatSync(descriptor).isFile()) return descriptor;
    closeSync(descriptor);
    return null;
  } catch {
    return null;
  }
}

/** Features that another process is writing under this name, once it has flushed them. @throws when they are not all there */
export function openDraft(file: string, shape: RowShape, rows: number): KeptFeatures {
  const descriptor = openSync(file, 'r');
  const kept = fstatSync(descriptor).size;
  const bytes = rows * rowWidth(shape) * Float32Array.BYTES_PER_ELEMENT;
  if (kept >= bytes) return keep(descriptor, shape, rows);
  closeSync(descriptor);
  throw new Error(`expected ${bytes} bytes of features in ${file}, got ${kept}`);
}

function keep(descriptor: number, shape: RowShape, rows: number): KeptFeatures {
  const features = readFeatures(storeInFile(descriptor, rowWidth(shape)), shape, rows);
  return { features, close: () => closeSync(descriptor) };
}

function draft(file: string, shape: RowShape): FeatureDraft {
  const part = temporaryBeside(file);
  const descriptor = openSync(part, 'w+');
  return {
    file: part,
    flush: () => fsyncSync(descriptor),
    storage: storeInFile(descriptor, rowWidth(shape)),
    finish(rows, isWorthKeeping) {
      if (!isWorthKeeping) {
        rmSync(part, { force: true });
        return keep(descriptor, shape, rows);
      }
      const contentBytes = rows * rowWidth(shape) * Float32Array.BYTES_PER_ELEMENT;
      writeSync(descriptor, sealOf(file, piecesOf(descriptor, contentBytes)), 0, sealBytes, contentBytes);
      renameSync(part, file);
      return keep(descriptor, shape, rows);
    },
    discard() {
      closeSync(descriptor);
      rmSync(part, { force: true });
    },
  };
}

/** The first bytes of a file, piece by piece. */
function* piecesOf(descriptor: number, length: number): Generator<Uint8Array> {
  const chunk = Buffer.alloc(chunkBytes);
  for (let at = 0; at < length; at += chunkBytes) {
    yield chunk.subarray(0, readSync(descriptor, chunk, 0, Math.min(chunkBytes, length - at), at));
  }
}

function isWhole(descriptor: number, key: string, contentBytes: number): boolean {
  const seal = Buffer.alloc(sealBytes);
  readSync(descriptor, seal, 0, sealBytes, contentBytes);
  return seal.equals(sealOf(key, piecesOf(descriptor, contentBytes)));
}
