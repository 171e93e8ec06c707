import { CrosscheckError, type Encoding } from '@crosscheck/contract';

/** One record of a file of posts. */
export interface FileRow {
  cells: string[];
  /** The object of a JSON line. */
  values?: Record<string, unknown>;
  /** Why the record cannot be used. */
  problem?: string;
  /** The line as it stands in a JSON Lines file, where there is a problem with it. */
  raw?: string;
  /** Line of the file on which the record begins, from 1. */
  line: number;
  /** Bytes of the file read so far. */
  bytes: number;
}

/** How a file is read; whatever is left out is found by its name, its first bytes and its header. */
export interface ReadingOptions {
  encoding?: Encoding;
  /** What separates the cells; null = found by the header. */
  delimiter?: string | null;
  /** Names of the text, image and label columns: they tell the delimiter. */
  columns?: readonly string[];
  /** What stands before the names of these options on the command line: `data.`, or nothing. */
  keys?: string;
  /** Whether a line is one JSON object; by default the file's name says so. */
  json?: boolean;
}

/** A record longer than this is a missing quote, not a post: it would swallow the rest of the file, however large. */
export const maxRecordCharacters: number = 1 << 20;

export function brokenCsv(message: string): CrosscheckError {
  return new CrosscheckError('CROSSCHECK_DATA_BROKEN_CSV', message);
}
