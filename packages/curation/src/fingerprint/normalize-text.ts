/**
 * What remains of a text when case, accents, punctuation, addresses of web pages and extra spaces do not count: two posts with the
 * same words are one. Texts without any letter or digit stay as they are.
 */
export function normalizeText(text: string): string {
  const plain = text
    .normalize('NFKD')
    .replace(/\p{Mark}/gu, '')
    .toLowerCase()
    .replace(/https?:\/\/\S+/g, ' ')
    .replace(/[’'`]/g, '')
    .replace(/[^\p{Letter}\p{Number}]+/gu, ' ')
    .trim();
  return plain === '' ? text.trim() : plain;
}

/** The words of a text, for counting. */
export function wordsOf(text: string): string[] {
  return text.trim() === '' ? [] : normalizeText(text).split(' ');
}
