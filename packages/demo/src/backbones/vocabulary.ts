import { buildBertTokenizerJson } from '@crosscheck/preprocess';
import { captionVocabulary } from '../posts/captions.ts';

const special = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];
const letters = Array.from('abcdefghijklmnopqrstuvwxyz0123456789');
const punctuation = Array.from('!"#$%&\'()*+,-./:;<=>?@[]_–—‘’“”…');

/** Every word of the demo captions, and single letters so that any other word becomes its letters and not [UNK]. */
export function tinyVocabulary(): string[] {
  const pieces = letters.map((letter) => `##${letter}`);
  return [...new Set([...special, ...letters, ...pieces, ...punctuation, ...captionVocabulary()])];
}

export function tinyTokenizerJson(): string {
  return buildBertTokenizerJson(tinyVocabulary());
}
