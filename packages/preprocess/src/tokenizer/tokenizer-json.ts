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

function invalid(reason: string, where: string, cause?: unknown): CrosscheckError {
  return new CrosscheckError(
    'CROSSCHECK_TOKENIZER_INVALID',
    `expected a whole tokenizer.json, got ${reason} (${where}); save the tokenizer again with save_pretrained()`,
    { cause },
  );
}

/** Runs `work` and turns whatever it throws into an error that says which tokenizer it came from. */
export function readingTokenizer<T>(where: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof CrosscheckError ? error : invalid(messageOf(error), where, error);
  }
}

/** Parses the text of a `tokenizer.json`. */
export function parseTokenizerJson(json: string, where: string): TokenizerJson {
  const value = readingTokenizer(where, () => JSON.parse(json) as Partial<TokenizerJson> | null);
  if (typeof value?.model !== 'object' || !value.model?.vocab) throw invalid('no "model" with a "vocab"', where);
  return value as TokenizerJson;
}

/** A special token that is named and not there would be left out of every text without a word. */
function idsOf(part: TemplatePart, { special_tokens: known = {} }: PostProcessor): number[] {
  const name = 'SpecialToken' in part ? part.SpecialToken?.id : undefined;
  const ids = name !== undefined && Object.hasOwn(known, name) ? known[name]?.ids : undefined;
  if (!Array.isArray(ids) || !ids.every(isId))
    throw new TypeError('a "post_processor" whose special tokens have no ids');
  return ids;
}

/** True for what can be a row of a word embedding. */
export const isId = (id: unknown): id is number => Number.isSafeInteger(id) && (id as number) >= 0;

function templateFrame(processor: PostProcessor): Frame {
  const frame: Frame = { before: [], after: [] };
  let side: keyof Frame = 'before';
  for (const part of processor.single ?? []) {
    if ('Sequence' in part) side = 'after';
    else frame[side].push(...idsOf(part, processor));
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
