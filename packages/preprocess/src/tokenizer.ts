import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { CrosscheckError, type Preprocessing } from '@crosscheck/contract';
import { Tokenizer as GeneralTokenizer } from '@huggingface/tokenizers';
import { createBertEncoder, isBertTokenizer } from './bert-tokenizer.ts';
import {
  type BertTokenizerConfig,
  buildBertTokenizerJson,
  parseTokenizerJson,
  readFrame,
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
  const engine = new GeneralTokenizer(tokenizer, {});
  return (text, limit) => engine.encode(text, { add_special_tokens: false }).ids.slice(0, limit);
}

function countIds(tokenizer: TokenizerJson): number {
  const vocab = tokenizer.model.vocab as Record<string, number> | unknown[];
  const ids = Array.isArray(vocab) ? [vocab.length - 1] : Object.values(vocab);
  const added = (tokenizer.added_tokens ?? []).map((token) => token.id);
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
  const encode = isBertTokenizer(tokenizer) ? createBertEncoder(tokenizer) : createGeneralEncoder(tokenizer);
  const { before, after } = readFrame(tokenizer.post_processor);
  const limit = p.maxTokens - before.length - after.length;
  return {
    encode: (text) => Int32Array.from([...before, ...encode(blank.test(text) ? p.emptyText : text, limit), ...after]),
    padId: readPadId(tokenizer),
    vocabSize: countIds(tokenizer),
    json,
  };
}

async function readIfThere(file: string): Promise<string | null> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
}

async function readBertConfig(dir: string): Promise<BertTokenizerConfig> {
  const text = await readIfThere(path.join(dir, 'tokenizer_config.json'));
  return text === null ? {} : (JSON.parse(text) as BertTokenizerConfig);
}

async function readVocabulary(file: string): Promise<string> {
  const lines = (await readFile(file, 'utf8')).split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  return buildBertTokenizerJson(lines, await readBertConfig(path.dirname(file)));
}

const readers: [name: string, read: (file: string) => Promise<string>][] = [
  ['tokenizer.json', (file) => readFile(file, 'utf8')],
  ['vocab.txt', readVocabulary],
];

async function kindOf(source: string): Promise<'folder' | 'file' | null> {
  const found = await stat(source).catch(() => null);
  return found && (found.isDirectory() ? 'folder' : 'file');
}

async function readTokenizerFile(source: string): Promise<{ json: string; where: string }> {
  const kind = await kindOf(source);
  const candidates = kind === 'folder' ? readers.map(([name, read]) => ({ file: path.join(source, name), read })) : [];
  if (kind === 'file')
    candidates.push({ file: source, read: source.endsWith('.txt') ? readVocabulary : readers[0]![1] });
  for (const { file, read } of candidates) {
    if ((await kindOf(file)) === 'file') return { json: await read(file), where: file };
  }
  const looked = kind === 'folder' ? 'a folder with neither tokenizer.json nor vocab.txt in it' : 'nothing there';
  throw new CrosscheckError(
    'CROSSCHECK_TOKENIZER_NOT_FOUND',
    `expected tokenizer.json, vocab.txt, or a folder with one of them at ${source}, got ${looked}; set the tokenizer's path or save the tokenizer there`,
  );
}

/**
 * Loads a tokenizer from `tokenizer.json`, from `vocab.txt` (uncased BERT unless a `tokenizer_config.json` beside it says
 * `do_lower_case: false`), from a folder with either, or from the text of a `tokenizer.json`.
 *
 * @throws CROSSCHECK_TOKENIZER_NOT_FOUND, CROSSCHECK_TOKENIZER_INVALID
 */
export async function loadTokenizer(pathOrJson: string, p: Preprocessing): Promise<Tokenizer> {
  if (pathOrJson.trimStart().startsWith('{')) return createTokenizer(pathOrJson, p);
  const { json, where } = await readTokenizerFile(pathOrJson);
  return createTokenizer(json, p, where);
}
