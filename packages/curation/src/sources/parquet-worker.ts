// Entry of a worker thread: what the decoder of parquet does with a crafted file, a rejection that nobody awaits or memory without end, stays in it.
import { parentPort, workerData } from 'node:worker_threads';
import { asyncBufferFromFile, parquetReadObjects, snappyUncompress } from 'hyparquet';

/** What `readParquetRows` is told. */
export type ParquetReply = { rows: Record<string, unknown>[] } | { error: string };

const { file } = workerData as { file: string };

/** Snappy makes at most 64 bytes of three. */
const maxRatio = 32;

function unpackSnappy(input: Uint8Array, outputLength: number): Uint8Array {
  if (!(outputLength >= 0 && outputLength <= maxRatio * input.length))
    throw new Error(`a page of ${input.length} bytes that promises ${outputLength}`);
  const output = new Uint8Array(outputLength);
  snappyUncompress(input, output);
  return output;
}

async function read(): Promise<ParquetReply> {
  try {
    const compressors = { SNAPPY: unpackSnappy };
    return { rows: await parquetReadObjects({ file: await asyncBufferFromFile(file), utf8: false, compressors }) };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

const reply = await read();
parentPort?.postMessage(reply);
