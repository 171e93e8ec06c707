import { CrosscheckError, messageOf } from '@crosscheck/contract';
import type { BertNormalizerOptions } from './bert-normalizer.ts';

export interface AddedToken {
  id: number;
  content: string;
  single_word?: boolean;
  lstrip?: boolean;
  rstrip?: boolean;
  normalized?: boolean;
  special?: boolean;
}

interface Typed {
  type: string;
}

export interface WordPieceModel {
  type?: 'WordPiece';
  vocab: Record<string, number>;
  unk_token: string;
  continuing_subword_prefix: string;
  max_input_chars_per_word: number;
}

type TemplatePart = { SpecialToken: { id: string } } | { Sequence: { id: string } };

interface PostProcessor extends Typed {
  single?: TemplatePart[];
  special_tokens?: Record<string, { ids: number[] }>;
  cls?: [string, number];
  sep?: [string, number];
  processors?: PostProcessor[];
}

/** The parts of a `tokenizer.json` that we read; the rest travels untouched. */
export interface TokenizerJson {
  added_tokens?: AddedToken[];
  normalizer?: (Typed & Partial<BertNormalizerOptions>) | null;
  pre_tokenizer?: Typed | null;
  post_processor?: PostProcessor | null;
  padding?: { pad_id?: number } | null;
  model: { type?: string; vocab?: unknown; continuing_subword_prefix?: string };
}

/** What the post-processor puts around one text: `[CLS]` before and `[SEP]` after, for BERT. */
export interface Frame {
  before: number[];
  after: number[];
}

/** Parses the text of a `tokenizer.json`; the error says where it came from. */
export function parseTokenizerJson(json: string, where: string): TokenizerJson {
  const fail = (reason: string, cause?: unknown) =>
    new CrosscheckError(
      'CROSSCHECK_TOKENIZER_INVALID',
      `expected a tokenizer.json with a "model" that has a "vocab", got ${reason} (${where}); save the tokenizer again with save_pretrained()`,
      { cause },
    );
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw fail(`text that is not JSON: ${messageOf(error)}`, error);
  }
  const model = (value as Partial<TokenizerJson> | null)?.model;
  if (typeof model !== 'object' || !model?.vocab) throw fail('something else');
  return value as TokenizerJson;
}

function templateFrame(processor: PostProcessor): Frame {
  const frame: Frame = { before: [], after: [] };
  let side: keyof Frame = 'before';
  for (const part of processor.single ?? []) {
    if ('Sequence' in part) side = 'after';
    else frame[side].push(...(processor.special_tokens?.[part.SpecialToken.id]?.ids ?? []));
  }
  return frame;
}

/** Reads the special tokens around one text from the post-processor. */
export function readFrame(processor: PostProcessor | null | undefined): Frame {
  if (processor?.type === 'TemplateProcessing') return templateFrame(processor);
  if (processor?.cls && processor.sep) return { before: [processor.cls[1]], after: [processor.sep[1]] };
  const inner = processor?.processors?.map(readFrame).find((frame) => frame.before.length + frame.after.length > 0);
  return inner ?? { before: [], after: [] };
}

const padTokens = ['[PAD]', '<pad>', '<|pad|>'];

/** The id that fills rows up: the tokenizer's padding setting, else its pad token, else 0. */
export function readPadId(tokenizer: TokenizerJson): number {
  const token = tokenizer.added_tokens?.find((added) => padTokens.includes(added.content));
  return tokenizer.padding?.pad_id ?? token?.id ?? 0;
}

/** The switches that `tokenizer_config.json` sets for a BERT tokenizer. */
export interface BertTokenizerConfig {
  do_lower_case?: boolean;
  strip_accents?: boolean | null;
  tokenize_chinese_chars?: boolean;
}

const bertSpecialTokens = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];

function indexVocabulary(vocab: readonly string[]): Record<string, number> {
  const ids: Record<string, number> = Object.create(null);
  vocab.forEach((token, id) => (ids[token] = id));
  for (const token of bertSpecialTokens.slice(0, 4)) {
    if (ids[token] !== undefined) continue;
    throw new CrosscheckError(
      'CROSSCHECK_TOKENIZER_INVALID',
      `expected a BERT vocabulary with ${token} in it, got ${vocab.length} tokens without it; one token per line, as in vocab.txt`,
    );
  }
  return ids;
}

/**
 * Builds the `tokenizer.json` of a BERT WordPiece tokenizer (lower case unless told otherwise) from its vocabulary, as Hugging Face's
 * BertTokenizer does from `vocab.txt`.
 *
 * @param vocab token of id 0, 1, 2 …; must hold `[PAD]`, `[UNK]`, `[CLS]` and `[SEP]`
 * @throws CROSSCHECK_TOKENIZER_INVALID when one of them is missing
 */
export function buildBertTokenizerJson(vocab: readonly string[], config: BertTokenizerConfig = {}): string {
  const ids = indexVocabulary(vocab);
  const special = bertSpecialTokens.filter((token) => ids[token] !== undefined);
  const added = special
    .map((content) => ({ id: ids[content], content, ...plainToken }))
    .sort((a, b) => Number(a.id) - Number(b.id));
  return JSON.stringify({
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: added,
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: config.tokenize_chinese_chars ?? true,
      strip_accents: config.strip_accents ?? null,
      lowercase: config.do_lower_case ?? true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: bertTemplate(ids),
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: ids,
    },
  });
}

const plainToken = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };

function bertTemplate(ids: Record<string, number>) {
  const special = (id: string, type_id: number) => ({ SpecialToken: { id, type_id } });
  const sequence = (id: string, type_id: number) => ({ Sequence: { id, type_id } });
  const entry = (id: string) => ({ id, ids: [ids[id]], tokens: [id] });
  const single = [special('[CLS]', 0), sequence('A', 0), special('[SEP]', 0)];
  return {
    type: 'TemplateProcessing',
    single,
    pair: [...single, sequence('B', 1), special('[SEP]', 1)],
    special_tokens: { '[CLS]': entry('[CLS]'), '[SEP]': entry('[SEP]') },
  };
}
