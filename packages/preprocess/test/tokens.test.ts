import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { defaultPreprocessing } from '@crosscheck/contract';
import { describe, expect, it } from 'vitest';
import { buildBertTokenizerJson, createTokenizer, loadTokenizer, type Tokenizer } from '../src/index.ts';
import { createBertNormalizer } from '../src/tokenizer/bert-normalizer.ts';
import { bertWords } from '../src/tokenizer/bert-tokenizer.ts';

interface Golden {
  max_tokens: number;
  planes: Record<'uncased' | 'cased', string[]>;
  cases: { text: string; times: number; uncased: number[] }[];
  variants: { text: string; cased: number[]; accents: number[] }[];
  bpe: { text: string; ids: number[] }[];
}

const folder = path.join(import.meta.dirname, 'golden');
const golden = JSON.parse(readFileSync(path.join(folder, 'tokens.json'), 'utf8')) as Golden;
const vocab = readFileSync(path.join(folder, 'vocab.txt'), 'utf8').split('\n').slice(0, -1);
const p = defaultPreprocessing;

/** The texts whose ids differ, with both lists. */
function differences(tokenizer: Tokenizer, expected: { text: string; ids: number[] }[]) {
  const rows = expected.map(({ text, ids }) => ({ text, ids, ours: [...tokenizer.encode(text)] }));
  return rows.filter(({ ids, ours }) => ids.join() !== ours.join());
}

describe("token ids, against Hugging Face's tokenizers in Python", () => {
  it('are the same for every text, cut to 128 with [SEP] kept', () => {
    const tokenizer = createTokenizer(buildBertTokenizerJson(vocab), p);
    expect(golden.cases.length).toBeGreaterThanOrEqual(500);
    const expected = golden.cases.map((c) => ({ text: c.text.repeat(c.times), ids: c.uncased }));
    expect(differences(tokenizer, expected)).toEqual([]);
  });

  it('are the same with case kept, and with accents kept', () => {
    const cased = createTokenizer(buildBertTokenizerJson(vocab, { do_lower_case: false }), p);
    const switches = { strip_accents: false, tokenize_chinese_chars: false };
    const accents = createTokenizer(buildBertTokenizerJson(vocab, switches), p);
    expect(
      differences(
        cased,
        golden.variants.map((v) => ({ text: v.text, ids: v.cased })),
      ),
    ).toEqual([]);
    expect(
      differences(
        accents,
        golden.variants.map((v) => ({ text: v.text, ids: v.accents })),
      ),
    ).toEqual([]);
  });

  it.each(['uncased', 'cased'] as const)(
    'come from the same words around each of the 1,112,064 code points (%s)',
    (kind) => {
      const lowercase = kind === 'uncased';
      const normalize = createBertNormalizer({
        clean_text: true,
        handle_chinese_chars: true,
        strip_accents: null,
        lowercase,
      });
      const digests = golden.planes[kind].map((_, plane) => {
        const points = Array.from({ length: 0x10000 }, (_, i) => plane * 0x10000 + i).filter(
          (c) => c < 0xd800 || c > 0xdfff,
        );
        const text = points.map((c) => `a${String.fromCodePoint(c)}b`).join(' ');
        const words = [...normalize(text).matchAll(bertWords)].map(([word]) => word);
        return createHash('sha256').update(words.join('\n')).digest('hex');
      });
      expect(digests).toEqual(golden.planes[kind]);
    },
  );

  it("are the same for another kind of tokenizer (byte-level BPE with RoBERTa's frame)", async () => {
    const tokenizer = await loadTokenizer(path.join(folder, 'bpe.json'), p);
    expect(differences(tokenizer, golden.bpe)).toEqual([]);
    expect(tokenizer).toMatchObject({ padId: 1, vocabSize: 600 });
  });
});
