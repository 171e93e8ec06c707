import { characterClass, chinese, newer, nonspacingMarks, removed } from './bert-characters.ts';

/** The switches of a `BertNormalizer` as `tokenizer.json` names them. */
export interface BertNormalizerOptions {
  clean_text: boolean;
  handle_chinese_chars: boolean;
  /** `null` follows `lowercase`. */
  strip_accents: boolean | null;
  lowercase: boolean;
}

const removedCharacters = new RegExp(`[${characterClass(removed)}]+`, 'gu');
const whiteSpace = /[\t\n\r\p{Zs}\p{Zl}\p{Zp}]/gu;
const chineseCharacters = new RegExp(`[${characterClass(chinese)}]`, 'gu');
const accents = new RegExp(`[${characterClass(nonspacingMarks)}]+`, 'gu');
const knownRuns = new RegExp(`[^${characterClass(newer)}]+`, 'gu');
const printableAscii = /^[ -~]*$/;

function decompose(text: string): string {
  return text.replace(knownRuns, (run) => run.normalize('NFD'));
}

/** Lowers each character alone, as Rust does: no special form for a sigma at the end of a word. */
function lower(text: string): string {
  return text.replaceAll('Σ', 'σ').toLowerCase();
}

/** Returns the function that Hugging Face's `BertNormalizer` with these options is. */
export function createBertNormalizer(options: BertNormalizerOptions): (text: string) => string {
  const stripAccents = options.strip_accents ?? options.lowercase;
  const steps: ((text: string) => string)[] = [];
  if (options.clean_text) steps.push((text) => text.replace(removedCharacters, '').replace(whiteSpace, ' '));
  if (options.handle_chinese_chars) steps.push((text) => text.replace(chineseCharacters, ' $& '));
  if (stripAccents) steps.push((text) => decompose(text).replace(accents, ''));
  if (options.lowercase) steps.push(lower);
  return (text) => {
    if (printableAscii.test(text)) return options.lowercase ? text.toLowerCase() : text;
    return steps.reduce((current, step) => step(current), text.toWellFormed());
  };
}
