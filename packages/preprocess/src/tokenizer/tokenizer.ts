import type { Preprocessing } from '@crosscheck/contract';
import { Tokenizer as GeneralTokenizer } from '@huggingface/tokenizers';
import { createBertEncoder, isBertTokenizer } from './bert-tokenizer.ts';
import {
  isId,
  parseTokenizerJson,
  readFrame,
  readingTokenizer,
  readPadId,
  type TokenizerJson,
} from './tokenizer-json.ts';

/** Text to token ids, the same ones as Hugging Face's `tokenizers` in Python gives. */
export interface Tokenizer {
  /** `[CLS] … [SEP]`, at most `maxTokens` ids; a longer text is cut before `[SEP]`. A blank text becomes `emptyText`. */
  encode(text: string): Int32Array;
  /** Fills rows up in `padTokenIds`. */
  padId: number;
  /** Number of ids, added tokens included: the rows that a word embedding needs. */
  vocabSize: number;
  /** The text of a complete `tokenizer.json`, to be kept in checkpoints and artifacts. */
  json: string;
}

type Encoder = (text: string, limit: number) => number[];

function createGeneralEncoder(tokenizer: TokenizerJson): Encoder {
  const engine = new GeneralTokenizer({ added_tokens: [], ...tokenizer }, {});
  return (text, limit) => engine.encode(text, { add_special_tokens: false }).ids.slice(0, limit);
}

function countIds(tokenizer: TokenizerJson): number {
  const vocab = tokenizer.model.vocab as Record<string, number> | unknown[];
  const ids = Array.isArray(vocab) ? [vocab.length - 1] : Object.values(vocab);
  const added = (tokenizer.added_tokens ?? []).map((token) => token.id);
  if (![...ids, ...added].every((id) => id === -1 || isId(id))) throw new TypeError('ids that are no whole numbers');
  return [...ids, ...added].reduce((max, id) => Math.max(max, id), -1) + 1;
}

const blank = /^\p{White_Space}*$/u;

/**
 * Makes a tokenizer from the text of a `tokenizer.json`. BERT's kind runs on our own exact WordPiece, every other kind on
 * `@huggingface/tokenizers`. Truncation and padding settings inside the file are left to `p.maxTokens` and `padTokenIds`.
 *
 * @param where named in errors
 * @throws CROSSCHECK_TOKENIZER_INVALID
 */
export function createTokenizer(json: string, p: Preprocessing, where = 'tokenizer.json text'): Tokenizer {
  const tokenizer = parseTokenizerJson(json, where);
  const createEncoder = isBertTokenizer(tokenizer) ? createBertEncoder : createGeneralEncoder;
  const encode: Encoder = readingTokenizer(where, () => createEncoder(tokenizer));
  const { before, after } = readingTokenizer(where, () => readFrame(tokenizer.post_processor));
  const limit = p.maxTokens - before.length - after.length;
  return {
    encode: (text) => Int32Array.from([...before, ...encode(blank.test(text) ? p.emptyText : text, limit), ...after]),
    padId: readingTokenizer(where, () => readPadId(tokenizer)),
    vocabSize: readingTokenizer(where, () => countIds(tokenizer)),
    json,
  };
}
