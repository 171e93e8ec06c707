import { CrosscheckError } from '@crosscheck/contract';
import type { BertNormalizerOptions } from './bert-normalizer.ts';
import type { TokenizerJson } from './tokenizer-json.ts';

/** The switches that `tokenizer_config.json` sets for a BERT tokenizer. */
export interface BertTokenizerConfig {
  tokenizer_class?: string;
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

function normalizerSwitches(config: BertTokenizerConfig): Partial<BertNormalizerOptions> {
  const { do_lower_case, strip_accents, tokenize_chinese_chars } = config;
  return {
    ...(do_lower_case !== undefined && { lowercase: do_lower_case }),
    ...(strip_accents !== undefined && { strip_accents }),
    ...(tokenize_chinese_chars !== undefined && { handle_chinese_chars: tokenize_chinese_chars }),
  };
}

/**
 * Lets the switches of `tokenizer_config.json` win over the normaliser in `tokenizer.json`, as Hugging Face's AutoTokenizer does for the
 * classes BertTokenizer and DistilBertTokenizer; every other tokenizer is returned as it is.
 */
export function applyBertConfig(json: string, config: BertTokenizerConfig): string {
  const isBertClass = /^(Distil)?BertTokenizer(Fast)?$/.test(config.tokenizer_class ?? '');
  const switches = normalizerSwitches(config);
  if (!isBertClass || Object.keys(switches).length === 0) return json;
  const tokenizer = JSON.parse(json) as TokenizerJson;
  if (tokenizer.normalizer?.type !== 'BertNormalizer') return json;
  return JSON.stringify({ ...tokenizer, normalizer: { ...tokenizer.normalizer, ...switches } });
}
