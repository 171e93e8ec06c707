import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { CrosscheckError, messageOf, type Preprocessing } from '@crosscheck/contract';
import { applyBertConfig, type BertTokenizerConfig, buildBertTokenizerJson } from './bert-tokenizer-json.ts';
import { createTokenizer, type Tokenizer } from './tokenizer.ts';
import { parseTokenizerJson } from './tokenizer-json.ts';

/** `tokenizer_config.json` beside a tokenizer file; an empty one when there is none. */
async function readConfig(tokenizerFile: string): Promise<BertTokenizerConfig> {
  const file = path.join(path.dirname(tokenizerFile), 'tokenizer_config.json');
  const text = await readFile(file, 'utf8').catch(() => '{}');
  try {
    return JSON.parse(text) as BertTokenizerConfig;
  } catch (error) {
    throw new CrosscheckError(
      'CROSSCHECK_TOKENIZER_INVALID',
      `expected JSON, got ${messageOf(error)} (${file}); repair or remove the file`,
      { cause: error },
    );
  }
}

async function readTokenizerJson(file: string): Promise<string> {
  const json = await readFile(file, 'utf8');
  parseTokenizerJson(json, file);
  return applyBertConfig(json, await readConfig(file));
}

async function readVocabulary(file: string): Promise<string> {
  const lines = (await readFile(file, 'utf8')).split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  return buildBertTokenizerJson(lines, await readConfig(file));
}

async function kindOf(source: string): Promise<'folder' | 'file' | null> {
  const found = await stat(source).catch(() => null);
  return found && (found.isDirectory() ? 'folder' : 'file');
}

async function findTokenizerFile(source: string): Promise<string> {
  const kind = await kindOf(source);
  if (kind === 'file') return source;
  for (const name of ['tokenizer.json', 'vocab.txt']) {
    const file = path.join(source, name);
    if ((await kindOf(file)) === 'file') return file;
  }
  const found = kind === 'folder' ? 'a folder with neither' : 'nothing there';
  throw new CrosscheckError(
    'CROSSCHECK_TOKENIZER_NOT_FOUND',
    `expected tokenizer.json, vocab.txt or a folder with one of them at ${source}, got ${found}; correct the path or save the tokenizer there`,
  );
}

/**
 * Loads a tokenizer from `tokenizer.json`, from `vocab.txt` (lower case unless a `tokenizer_config.json` beside it says
 * `"do_lower_case": false`), from a folder with either, or from the text of a `tokenizer.json`.
 *
 * @throws CROSSCHECK_TOKENIZER_NOT_FOUND, CROSSCHECK_TOKENIZER_INVALID
 */
export async function loadTokenizer(pathOrJson: string, p: Preprocessing): Promise<Tokenizer> {
  if (pathOrJson.trimStart().startsWith('{')) return createTokenizer(pathOrJson, p);
  const file = await findTokenizerFile(pathOrJson);
  const json = await (file.endsWith('.txt') ? readVocabulary(file) : readTokenizerJson(file));
  return createTokenizer(json, p, file);
}
