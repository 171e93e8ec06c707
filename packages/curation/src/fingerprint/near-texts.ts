import { wordsOf } from './normalize-text.ts';

/** Share of words that two texts must have in common to be near: common / all (Jaccard 1912). */
const MIN_SHARE = 0.8;
/** Shorter texts are alike by chance. */
const MIN_WORDS = 6;

/**
 * Every pair of texts that share at least four fifths of their words, by position; texts that are equal when normalised are left
 * out. Only texts that share one of their rarest words are compared (Bayardo, Ma and Srikant 2007).
 */
export function* nearTexts(texts: readonly string[]): Generator<[number, number]> {
  const sets = rankWords(texts.map((text) => [...new Set(wordsOf(text))]));
  const byWord = new Map<number, number[]>();
  for (const [b, words] of sets.entries()) {
    if (words.length < MIN_WORDS) continue;
    const candidates = new Set<number>();
    // Two sets with so much in common share one of these rarest words of each.
    const rarest = words.slice(0, words.length - Math.ceil(words.length * MIN_SHARE) + 1);
    for (const word of rarest) for (const a of byWord.get(word) ?? []) candidates.add(a);
    for (const word of rarest) byWord.set(word, [...(byWord.get(word) ?? []), b]);
    for (const a of candidates) {
      const share = jaccard(sets[a] as number[], words);
      if (share >= MIN_SHARE && share < 1) yield [a, b];
    }
  }
}

/** Words as numbers, the rarest first, each text's in ascending order. */
function rankWords(texts: readonly string[][]): number[][] {
  const counts = new Map<string, number>();
  for (const words of texts) for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  const ranked = [...counts].sort(([a, n], [b, m]) => n - m || (a < b ? -1 : 1)).map(([word]) => word);
  const ranks = new Map(ranked.map((word, rank) => [word, rank]));
  return texts.map((words) => words.map((word) => ranks.get(word) as number).sort((a, b) => a - b));
}

function jaccard(a: readonly number[], b: readonly number[]): number {
  let [i, j, common] = [0, 0, 0];
  while (i < a.length && j < b.length) {
    const [x, y] = [a[i] as number, b[j] as number];
    if (x === y) common++;
    if (x <= y) i++;
    if (y <= x) j++;
  }
  return common / (a.length + b.length - common);
}
