// BERT-likes by their ids on the Hugging Face Hub: what their config.json says, for when it cannot be read.
import type { TextArchitecture } from '@crosscheck/contract';

/** What a config.json says; how a text is pooled is the whole network's matter. */
type Sizes = Omit<TextArchitecture, 'pooling'>;

const bert = { vocabSize: 30522, maxPositions: 512, heads: 12, layerNormEpsilon: 1e-12 };
const base = { ...bert, hiddenSize: 768, feedForwardSize: 3072 };
const small = { ...bert, hiddenSize: 384, feedForwardSize: 1536 };

const distilbert: Sizes = { ...base, layers: 6 };
const bertBase: Sizes = { ...base, layers: 12 };

const variants: Record<string, Sizes> = {
  'distilbert/distilbert-base-uncased': distilbert,
  'distilbert/distilbert-base-cased': { ...distilbert, vocabSize: 28996 },
  'distilbert/distilbert-base-multilingual-cased': { ...distilbert, vocabSize: 119547 },
  'google-bert/bert-base-uncased': bertBase,
  'google-bert/bert-base-cased': { ...bertBase, vocabSize: 28996 },
  'google-bert/bert-base-multilingual-cased': { ...bertBase, vocabSize: 119547 },
  'sentence-transformers/all-MiniLM-L6-v2': { ...small, layers: 6 },
  'sentence-transformers/all-MiniLM-L12-v2': { ...small, layers: 12 },
  'microsoft/MiniLM-L12-H384-uncased': { ...small, layers: 12 },
};

/** The sizes of a published text backbone by its Hub id, with or without its organisation; null for any other. */
export function textArchitectureOf(id: string): Sizes | null {
  const key = Object.keys(variants).find((name) => name === id || name.split('/')[1] === id);
  return key === undefined ? null : (variants[key] as Sizes);
}
