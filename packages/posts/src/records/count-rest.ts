import { isCrosscheckError } from '@crosscheck/contract';
import type { FileRow } from './file-row.ts';

/** What of a file comes behind the rows that were used. */
export interface RestOfFile {
  rows: number;
  /** Whether the file ends there: behind the limit there may be more. */
  isWhole: boolean;
  /** Why it cannot be read to the end. */
  problem: string | null;
}

/** Counts the rows behind those that were used, and stops after so many bytes: only to say how many there are, nobody waits for gigabytes. */
export async function countRest(
  rows: AsyncIterable<FileRow>,
  { maxBytes, onRow }: { maxBytes: number; onRow?: (row: FileRow) => void },
): Promise<RestOfFile> {
  let [counted, end] = [0, Number.POSITIVE_INFINITY];
  try {
    for await (const row of rows) {
      if (counted++ === 0) end = row.bytes + maxBytes;
      onRow?.(row);
      if (row.bytes > end) return { rows: counted, isWhole: false, problem: null };
    }
    return { rows: counted, isWhole: true, problem: null };
  } catch (error) {
    if (!isCrosscheckError(error)) throw error;
    return { rows: counted, isWhole: false, problem: error.message };
  }
}
