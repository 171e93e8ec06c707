import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';
import { makeTemporaryFolder } from '@crosscheck/files';

/** Rows of float32 numbers, all of the same width, in memory or in a file. */
export interface RowStorage {
  /** Puts numbers into a row, from a column on. */
  write(row: number, column: number, values: Float32Array): void;
  /** Fills `values` from a row, from a column on. */
  read(row: number, column: number, values: Float32Array): void;
}

export function storeInMemory(rows: number, width: number, all = new Float32Array(rows * width)): RowStorage {
  const begin = (row: number, column: number) => row * width + column;
  return {
    write: (row, column, values) => all.set(values, begin(row, column)),
    read: (row, column, values) => values.set(all.subarray(begin(row, column), begin(row, column) + values.length)),
  };
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array) => new Uint8Array(buffer, byteOffset, byteLength);

/** Memory stays the same for any number of rows: what is read often is kept by the operating system as far as it has room. */
export function storeInFile(descriptor: number, width: number): RowStorage {
  const begin = (row: number, column: number) => (row * width + column) * Float32Array.BYTES_PER_ELEMENT;
  return {
    write(row, column, values) {
      const bytes = bytesOf(values);
      if (writeSync(descriptor, bytes, 0, bytes.length, begin(row, column)) < bytes.length)
        throw new Error('the disk took only a part of the features');
    },
    read(row, column, values) {
      const bytes = bytesOf(values);
      if (readSync(descriptor, bytes, 0, bytes.length, begin(row, column)) < bytes.length)
        throw new Error('the file of features was cut while it was in use');
    },
  };
}

/** More than this goes to a file. */
const mostInMemory = 256 * 1024 * 1024;

/** In memory where it is small, else in a file without a name, which is gone when it is closed or the process ends. */
export function storeForNow(rows: number, width: number): { storage: RowStorage; close: () => void } {
  if (rows * width * Float32Array.BYTES_PER_ELEMENT <= mostInMemory) {
    return { storage: storeInMemory(rows, width), close: () => {} };
  }
  const folder = makeTemporaryFolder('features');
  const descriptor = openSync(path.join(folder, 'rows'), 'w+');
  rmSync(folder, { recursive: true, force: true });
  return { storage: storeInFile(descriptor, width), close: () => closeSync(descriptor) };
}
