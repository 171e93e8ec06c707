import { characterClass, punctuation } from './bert-characters.ts';
import { type BertNormalizerOptions, createBertNormalizer } from './bert-normalizer.ts';
import type { AddedToken, TokenizerJson, WordPieceModel } from './tokenizer-json.ts';
import { createWordPiece } from './word-piece.ts';

/** BertPreTokenizer: a punctuation character, or a run of anything else that is not white space. */
export const bertWords = new RegExp(
  `[${characterClass(punctuation)}]|[^\\p{White_Space}${characterClass(punctuation)}]+`,
  'gu',
);

/** Characters that are normalised at a time; an over-long text costs no more than the tokens that are kept of it. */
const chunkLength = 1024;

function isPlain(token: AddedToken): boolean {
  return !token.single_word && !token.lstrip && !token.rstrip && !token.normalized;
}

/** True for the tokenizers that `createBertEncoder` covers: BERT's normaliser, pre-tokeniser and WordPiece, no odd added tokens. */
export function isBertTokenizer(tokenizer: TokenizerJson): boolean {
  const { normalizer, pre_tokenizer, model, added_tokens } = tokenizer;
  const isWordPiece = model.type === 'WordPiece' || (!model.type && model.continuing_subword_prefix !== undefined);
  const isBert = normalizer?.type === 'BertNormalizer' && pre_tokenizer?.type === 'BertPreTokenizer';
  return isBert && isWordPiece && (added_tokens ?? []).every(isPlain);
}

/** Cuts a text at spaces into chunks: neither normalisation nor a word ever reaches across a space. */
function* chunksOf(text: string): Generator<string> {
  for (let start = 0; start < text.length; ) {
    const space = start + chunkLength < text.length ? text.indexOf(' ', start + chunkLength) : -1;
    const end = space === -1 ? text.length : space;
    yield text.slice(start, end);
    start = end;
  }
}

function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

/** Splits off the added tokens (`[SEP]` in a text is the token itself); the longest wins where two begin. */
function createSplitter(added: AddedToken[]): (text: string) => string[] {
  const contents = added.map((token) => token.content).filter((content) => content !== '');
  if (contents.length === 0) return (text) => [text];
  const longestFirst = contents.sort((a, b) => b.length - a.length).map(escapeRegExp);
  const pattern = new RegExp(`(${longestFirst.join('|')})`);
  return (text) => text.split(pattern);
}

function unknownIdOf({ vocab, unk_token }: WordPieceModel): number {
  const id = vocab[unk_token];
  if (id === undefined) throw new Error(`no ${JSON.stringify(unk_token)} (its "unk_token") in the vocabulary`);
  return id;
}

/** Returns the function that turns a text into at most `limit` ids, without `[CLS]` and `[SEP]`, as Hugging Face's `tokenizers` does. */
export function createBertEncoder(tokenizer: TokenizerJson): (text: string, limit: number) => number[] {
  const model = tokenizer.model as WordPieceModel;
  const added = tokenizer.added_tokens ?? [];
  const vocab = new Map(Object.entries(model.vocab));
  const addedIds = new Map(added.map((token) => [token.content, token.id]));
  const normalize = createBertNormalizer(tokenizer.normalizer as unknown as BertNormalizerOptions);
  const split = createSplitter(added);
  const encodeWord = createWordPiece({
    vocab,
    unknownId: unknownIdOf(model),
    continuingPrefix: model.continuing_subword_prefix ?? '##',
    maxCharactersPerWord: model.max_input_chars_per_word ?? 100,
  });

  function* idsOf(text: string): Generator<number[]> {
    for (const section of split(text)) {
      const id = addedIds.get(section);
      if (id !== undefined) yield [id];
      else for (const chunk of chunksOf(section)) yield* wordIdsOf(chunk);
    }
  }

  function* wordIdsOf(chunk: string): Generator<number[]> {
    for (const [word] of normalize(chunk).matchAll(bertWords)) yield encodeWord(word);
  }

  return (text, limit) => {
    const ids: number[] = [];
    for (const piece of idsOf(text)) {
      ids.push(...piece);
      if (ids.length >= limit) break;
    }
    return ids.slice(0, limit);
  };
}
