import type { Tokenizer } from '@crosscheck/preprocess';

export interface Word {
  word: string;
  start: number;
  end: number;
}

const segmenter = new Intl.Segmenter(undefined, { granularity: 'word' });
const pictograph = /\p{Extended_Pictographic}/u;

/** Words of any script, and emoji; not spaces and punctuation. */
function* segmentWords(text: string): Generator<Word> {
  for (const { segment, index, isWordLike } of segmenter.segment(text)) {
    if (isWordLike || pictograph.test(segment)) yield { word: segment, start: index, end: index + segment.length };
  }
}

/**
 * The words that the model reads: those before the place where the tokenizer cuts.
 *
 * @param tokens tokens of the whole text
 */
export function readWords(text: string, tokenizer: Tokenizer, tokens: number): Word[] {
  // A token is at least one character and a character may vanish, so what lies far behind the cut is not worth segmenting.
  const words = [...segmentWords(text.slice(0, charactersPerToken * tokens))];
  const isRead = ({ start }: Word) => tokenizer.encode(text.slice(0, start)).length < tokens;
  let [low, high] = [0, words.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isRead(words[middle] as Word)) low = middle + 1;
    else high = middle;
  }
  return words.slice(0, low);
}

const charactersPerToken = 100;

/** Cuts a list into at most `count` runs of neighbours of nearly equal length. */
export function groupWords<T>(words: readonly T[], count: number): T[][] {
  const groups = Math.min(count, words.length);
  return Array.from({ length: groups }, (_, i) =>
    words.slice(Math.floor((i * words.length) / groups), Math.floor(((i + 1) * words.length) / groups)),
  );
}

/** The text without a run of neighbouring words and what stands between them. */
export function withoutWords(text: string, run: readonly Word[]): string {
  return text.slice(0, run[0]?.start ?? 0) + text.slice(run.at(-1)?.end ?? 0);
}
