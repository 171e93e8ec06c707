/** The part of `tokenizer.json` that a WordPiece model is. */
export interface WordPieceOptions {
  vocab: Map<string, number>;
  unknownId: number;
  continuingPrefix: string;
  maxCharactersPerWord: number;
}

function longest(pieces: Iterable<string>): number {
  let length = 0;
  for (const piece of pieces) length = Math.max(length, piece.length);
  return length;
}

function countCharacters(word: string): number {
  let count = 0;
  for (const _ of word) count++;
  return count;
}

/**
 * Returns a function that splits one word into the ids of the longest pieces from left to right (Wu et al. 2016, as in BERT);
 * a word with a rest that no piece covers, or with too many characters, is one unknown token.
 */
export function createWordPiece(options: WordPieceOptions): (word: string) => number[] {
  const { vocab, unknownId, continuingPrefix, maxCharactersPerWord } = options;
  const longestPiece = longest(vocab.keys());
  const unknown = [unknownId];

  // [start, start + result) is the longest piece of the vocabulary there; 0 when there is none.
  function matchAt(word: string, start: number, ids: number[]): number {
    const prefix = start === 0 ? '' : continuingPrefix;
    for (let end = Math.min(word.length, start + longestPiece - prefix.length); end > start; end--) {
      const id = vocab.get(prefix + word.slice(start, end));
      if (id === undefined) continue;
      ids.push(id);
      return end - start;
    }
    return 0;
  }

  return (word) => {
    if (word.length > maxCharactersPerWord && countCharacters(word) > maxCharactersPerWord) return unknown;
    const ids: number[] = [];
    for (let start = 0; start < word.length; ) {
      const length = matchAt(word, start, ids);
      if (length === 0) return unknown;
      start += length;
    }
    return ids;
  };
}
