import type { LabelId } from '@crosscheck/contract';
import { countRest, type FileRow, type LabelReader } from '@crosscheck/posts';

/** Rows by label. */
interface LabelCounts {
  rows: number;
  labels: [real: number, fake: number];
}

/** The rows that were read of a file, and all that it has. */
export interface HeadOfFile {
  head: LabelCounts;
  /** With the rows behind the head that were counted. */
  all: LabelCounts;
  /** Whether these are all. */
  isWhole: boolean;
  /** Why the rest cannot be read. */
  problem: string | null;
}

export interface HeadCounter {
  add(row: FileRow): void;
  counts(): LabelCounts;
}

/** Counts rows and the labels that can be read. */
export function createHeadCounter(labelAt: number, labelOf: LabelReader): HeadCounter {
  const counts: LabelCounts = { rows: 0, labels: [0, 0] };
  return {
    add({ cells }) {
      counts.rows++;
      const label: LabelId | null = labelOf(cells[labelAt] ?? '');
      if (label !== null) counts.labels[label]++;
    },
    counts: () => structuredClone(counts),
  };
}

/** So much of a file is read to see whether its head can stand for it: about five seconds on one core. */
const maxCountedBytes = 256 * 2 ** 20;

/** Counts the rows behind the head. */
export async function countBehind(
  rows: AsyncIterable<FileRow>,
  counter: HeadCounter,
  maxBytes: number = maxCountedBytes,
): Promise<HeadOfFile> {
  const head = counter.counts();
  const { isWhole, problem } = await countRest(rows, { maxBytes, onRow: (row) => counter.add(row) });
  return { head, all: counter.counts(), isWhole, problem };
}

/** Shares of FAKE that differ by more than this are said. */
const tolerance = 0.1;

/** How much of a file was read, and whether it can stand for the rest; null when all was. @param key that says how many rows are read */
export function describeHead({ head, all, isWhole, problem }: HeadOfFile, key: string): string[] {
  if (problem !== null) return [`${head.rows} rows (${key}); how many more there are is not known: ${problem}`];
  if (all.rows === head.rows) return [];
  const lines = [`${head.rows} of ${isWhole ? '' : 'at least '}${all.rows} rows (${key})`];
  const [share, shareOfAll] = [fakeShare(head), fakeShare(all)];
  const whole = isWhole ? 'the whole file' : `the first ${all.rows}`;
  if (Math.abs(share - shareOfAll) > tolerance)
    lines.push(
      `${percent(share)} of these rows are FAKE, but ${percent(shareOfAll)} of ${whole}: its rows are not mixed; shuffle them, or read all with ${key}=-1`,
    );
  return lines;
}

const fakeShare = ({ labels: [real, fake] }: LabelCounts) => (real + fake === 0 ? 0 : fake / (real + fake));
const percent = (share: number) => `${(100 * share).toFixed(0)} %`;
