import { CrosscheckError, type LabelId, labelNames } from '@crosscheck/contract';

/** What words of a label column mean, by word: `{Genuine: 'REAL', Hoax: 'FAKE'}`. */
export type LabelWords = Readonly<Record<string, string | number>>;

export interface LabelRules {
  /** All words that there are besides REAL and FAKE; without it, also 0 and 1. */
  labels?: LabelWords | null;
  /** What 1 and true mean; typed by the user, because `true` says FAKE in one data set and REAL in another. */
  positiveClass?: 'fake' | 'real' | null;
}

/** Our label for a cell; null for a blank or unknown one. */
export type LabelReader = (cell: string) => LabelId | null;

// What pandas.read_csv takes for a missing value.
const missing = new Set(
  ['', '#N/A', '#N/A N/A', '#NA', '-1.#IND', '-1.#QNAN', '-NaN', '-nan', '1.#IND', '1.#QNAN', '<NA>'].concat([
    'N/A',
    'NA',
    'NULL',
    'NaN',
    'None',
    'n/a',
    'nan',
    'null',
  ]),
);

/** Whether a cell says what pandas writes for a missing value. */
export function isMissing(cell: string): boolean {
  return missing.has(cell.trim());
}

/**
 * Reads labels: 0 and 1 (also 0.0 and 1.0, as pandas writes them after a detour), REAL and FAKE in any case. Other words mean what `labels` says, and
 * nothing without it: none is guessed at.
 *
 * @throws CROSSCHECK_DATA_BAD_LABELS for a mapping that contradicts itself or maps to something else
 */
export function createLabelReader({ labels = null, positiveClass = null }: LabelRules = {}): LabelReader {
  const words = labels === null ? usualWords(positiveClass) : mappedWords(labels);
  return (cell) => words.get(fold(cell)) ?? null;
}

/** Case, blanks around, and the zeros of 1.00 do not matter. */
const fold = (word: string) => {
  const folded = word.trim().toLowerCase();
  return /^[01]\.0+$/.test(folded) ? folded.slice(0, 1) : folded;
};

function usualWords(positiveClass: LabelRules['positiveClass']): Map<string, LabelId> {
  const positive: LabelId = positiveClass === 'real' ? 0 : 1;
  const negative: LabelId = positive === 1 ? 0 : 1;
  const words: [string, LabelId][] = [
    ['0', negative],
    ['1', positive],
    ['real', 0],
    ['fake', 1],
  ]; // prettier-ignore
  if (positiveClass !== null) words.push(['false', negative], ['true', positive]);
  return new Map(words);
}

function mappedWords(labels: LabelWords): Map<string, LabelId> {
  const words = new Map<string, LabelId>();
  for (const [word, meaning] of Object.entries(labels)) {
    const name = fold(String(meaning));
    const label = ({ real: 0, fake: 1, 0: 0, 1: 1 } as Record<string, LabelId>)[name];
    if (label === undefined) throw badMapping(`"${word}" to "${meaning}"`);
    if ((words.get(fold(word)) ?? label) !== label) throw badMapping(`"${word}" to both`);
    words.set(fold(word), label);
  }
  // These are our own names for the labels.
  for (const [label, name] of labelNames.entries()) if (!words.has(fold(name))) words.set(fold(name), label as LabelId);
  return words;
}

function badMapping(got: string): CrosscheckError {
  const message = `expected labels that map every word to ${labelNames.join(' or ')}, got ${got}; write labels={Genuine: REAL, Hoax: FAKE}`;
  return new CrosscheckError('CROSSCHECK_DATA_BAD_LABELS', message);
}

/** How often each word stands where a label was expected that can be read; blank cells are not among them. */
export type WordCounts = ReadonlyMap<string, number>;

const shownWords = 8;

/** The unknown words of a label column with their counts, and how to say what they mean. */
export function describeUnknownWords(counts: WordCounts, keys: string): string {
  const words = [...counts].sort(([, a], [, b]) => b - a);
  const shown = words.slice(0, shownWords).map(([word, rows]) => `"${word}" in ${rows} row${rows === 1 ? '' : 's'}`);
  const more = words.length > shownWords ? `, and ${words.length - shownWords} other words` : '';
  const example = words
    .slice(0, 2)
    .map(([word], i) => `${/^[\w-]+$/.test(word) ? word : `"${word}"`}: ${i === 0 ? 'REAL' : 'FAKE'}`); // prettier-ignore
  return (
    `${shown.join(', ')}${more}; say what every word means (${keys}labels={${example.join(', ')}}, or the other way round), ` +
    'or write 0 for REAL and 1 for FAKE'
  );
}
