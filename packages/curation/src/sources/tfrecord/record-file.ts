import { type FileHandle, open } from 'node:fs/promises';
import { CrosscheckError } from '@crosscheck/contract';
import { writeWholeBy } from '@crosscheck/files';
import { maskedCrc32c } from './crc32c.ts';

// length u64 · checksum of the length u32 · data · checksum of the data u32, all little-endian.
const HEADER = 12;
const FOOTER = 4;
const MAX_RECORD = 1 << 30;

/**
 * Streams the records of a TFRecord file, checksums checked.
 *
 * @throws CROSSCHECK_DATA_BROKEN_TFRECORD
 */
export async function* readRecordFile(file: string): AsyncGenerator<Buffer> {
  const handle = await open(file).catch((cause: unknown) => {
    throw new CrosscheckError('CROSSCHECK_DATA_NOT_FOUND', `expected a TFRecord file at ${file}, got nothing`, {
      cause,
    });
  });
  try {
    const status = await handle.stat();
    if (!status.isFile()) throw broken(`a folder or a device: ${file}`);
    const { size } = status;
    for (let at = 0, record = 0; at < size; record++) {
      const where = `${file}, record ${record}, byte ${at}`;
      const header = await readExactly(handle, at, HEADER, where);
      const length = Number(header.readBigUInt64LE());
      check(header.subarray(0, 8), header.readUInt32LE(8), `the length in ${where}`);
      // Before memory is taken for it.
      if (length > Math.min(MAX_RECORD, size - at - HEADER - FOOTER))
        throw broken(`a record of ${length} bytes, where the file has ${size - at - HEADER}, in ${where}`);
      const body = await readExactly(handle, at + HEADER, length + FOOTER, where);
      check(body.subarray(0, length), body.readUInt32LE(length), `the data in ${where}`);
      yield body.subarray(0, length);
      at += HEADER + length + FOOTER;
    }
  } finally {
    await handle.close();
  }
}

/** Writes records one by one; the file appears when it is whole. */
export async function writeRecordFile(
  file: string,
  records: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<void> {
  await writeWholeBy(file, (temporary) => writeRecords(temporary, records));
}

async function writeRecords(file: string, records: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
  const handle = await open(file, 'wx');
  try {
    for await (const data of records) {
      const record = Buffer.alloc(HEADER + data.length + FOOTER);
      record.writeBigUInt64LE(BigInt(data.length));
      record.writeUInt32LE(maskedCrc32c(record.subarray(0, 8)), 8);
      record.set(data, HEADER);
      record.writeUInt32LE(maskedCrc32c(data), HEADER + data.length);
      await handle.write(record);
    }
  } finally {
    await handle.close();
  }
}

async function readExactly(handle: FileHandle, at: number, length: number, where: string): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  const { bytesRead } = await handle.read(bytes, 0, length, at);
  if (bytesRead < length) throw broken(`an end after ${bytesRead} of ${length} bytes in ${where}`);
  return bytes;
}

function check(bytes: Uint8Array, expected: number, what: string): void {
  if (maskedCrc32c(bytes) !== expected) throw broken(`another checksum for ${what}`);
}

function broken(got: string): CrosscheckError {
  const message = `expected whole TFRecord records, got ${got}; copy the file again, or decompress it first if it is gzipped`;
  return new CrosscheckError('CROSSCHECK_DATA_BROKEN_TFRECORD', message);
}
