import { appendFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { guardWriting, type LabelId } from '@crosscheck/contract';
import { makeFolder, writeWhole } from '@crosscheck/files';
import { type Fate, fates } from './fates.ts';

/** One row of a source and what became of it. */
export interface LedgerEntry {
  split: string;
  id: string;
  /** Of the source file. */
  line: number;
  label: LabelId | null;
  domain: string;
  url: string;
  fate: Fate;
  /** In a few words; empty for kept rows. */
  detail: string;
  /** Requests made for it. */
  attempts: number;
  /** Relative to the folder of the ledger; null when there is none. */
  image: string | null;
  sha256: string | null;
  bytes: number | null;
  width: number | null;
  height: number | null;
}

/** Every row's fate on disk: a line of JSON is appended for each, so that nothing is lost when a run is killed. */
export interface Ledger {
  /** What an earlier run wrote last about the row. */
  earlier(split: string, id: string): LedgerEntry | undefined;
  record(entry: LedgerEntry): void;
  /** Rewrites the file with one line per row, in the order given. */
  finish(entries: readonly LedgerEntry[]): Promise<void>;
}

const keyOf = (split: string, id: string) => `${split}/${id}`;

export async function openLedger(file: string): Promise<Ledger> {
  makeFolder(path.dirname(file));
  const content = await readFile(file, 'utf8').catch(() => '');
  // A row that repeats an id must not stand for the row that had it first.
  const firsts = parseLines(content).filter(({ fate }) => fate !== 'duplicate_id');
  const entries = new Map(firsts.map((entry) => [keyOf(entry.split, entry.id), entry]));
  // A killed run may have left half a line; the next one must not be glued to it.
  const append = (text: string) => guardWriting(file, () => appendFileSync(file, text));
  if (content !== '' && !content.endsWith('\n')) append('\n');
  return {
    earlier: (split, id) => entries.get(keyOf(split, id)),
    record: (entry) => append(`${JSON.stringify(entry)}\n`),
    async finish(all) {
      writeWhole(file, all.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
    },
  };
}

/** Reads a ledger; empty when there is none. */
export async function readLedger(file: string): Promise<LedgerEntry[]> {
  return parseLines(await readFile(file, 'utf8').catch(() => ''));
}

function parseLines(content: string): LedgerEntry[] {
  return content.split('\n').flatMap((line) => {
    try {
      const entry = JSON.parse(line) as LedgerEntry;
      return entry.fate in fates ? [entry] : [];
    } catch {
      return [];
    }
  });
}
