import { type LabelId, labelNames } from '@crosscheck/contract';
import { wilsonInterval } from '@crosscheck/evaluation';
import { wordsOf } from '../../fingerprint/normalize-text.ts';
import type { AuditedPost } from '../posts.ts';
import { holdOut, type LeakAccuracy, scoreHeldOut } from './held-out.ts';
import { countFeatures, mutualInformation, trainNaiveBayes } from './naive-bayes.ts';

/** A word, or two in a row, and what it tells about the label. */
export interface TellingWord {
  word: string;
  posts: number;
  /** Share of FAKE among the posts with it. */
  shareFake: number;
  /** Mutual information with the label. */
  bits: number;
  /** Whether it nearly always goes with one label, more often than chance explains. */
  isRevealing: boolean;
}

export interface WordLeak {
  /** What a bag of words and word pairs gets right on held-out posts. */
  bagOfWords: LeakAccuracy;
  /** By mutual information, the most telling first. */
  top: TellingWord[];
  revealing: (TellingWord & { label: string })[];
  /** Share of posts with at least one revealing word. */
  revealed: number;
}

/** Words shown in the report. */
const TOP = 25;
/** A word reveals a label when at least this share of its posts has it, at the lower end of the 95 % interval … */
const PURITY = 0.85;
/** … and when chance gives such a word with less than this probability, counting all words looked at. */
const CHANCE = 0.001;

/** Looks for words that alone give the label away, and for what all words together give away. */
export function findWordLeak(posts: readonly AuditedPost[]): WordLeak {
  const featured = new Map(posts.map((post) => [post, featuresOf(post.sample.text)]));
  const of = (post: AuditedPost) => ({ label: post.label, features: featured.get(post) as string[] });
  const parts = holdOut(posts);
  const logOdds = trainNaiveBayes(parts.learn.map(of));
  const bagOfWords = scoreHeldOut(parts, (post): LabelId => (logOdds(featured.get(post) as string[]) > 0 ? 1 : 0));
  const { posts: sizes, byFeature } = countFeatures(posts.map(of));
  const words = [...byFeature].map(([word, counts]) => describeWord(word, counts, { sizes, looked: byFeature.size }));
  words.sort((a, b) => b.bits - a.bits || b.posts - a.posts || (a.word < b.word ? -1 : 1));
  const revealing = withoutPairsOf(words.filter(({ isRevealing }) => isRevealing));
  const telltale = new Set(revealing.map(({ word }) => word));
  const revealed = posts.filter((post) => featured.get(post)?.some((feature) => telltale.has(feature))).length;
  return {
    bagOfWords,
    top: words.slice(0, TOP),
    revealing: revealing.map((word) => ({ ...word, label: labelNames[word.shareFake > 0.5 ? 1 : 0] })),
    revealed: revealed / Math.max(1, posts.length),
  };
}

/** Words and pairs of neighbours, each once. */
function featuresOf(text: string): string[] {
  const words = wordsOf(text);
  const pairs = words.slice(1).map((word, i) => `${words[i]} ${word}`);
  return [...new Set([...words, ...pairs])];
}

function describeWord(
  word: string,
  counts: [number, number],
  { sizes, looked }: { sizes: [number, number]; looked: number },
): TellingWord {
  const [real, fake] = counts;
  const bits = mutualInformation(counts, sizes);
  const purity = wilsonInterval(Math.max(real, fake), real + fake).low;
  const isRevealing = purity >= PURITY && chanceOf(bits, sizes[0] + sizes[1]) * looked < CHANCE;
  return { word, posts: real + fake, shareFake: fake / (real + fake), bits, isRevealing };
}

/** Upper bound of the chance that independent features show so much information (G-test, one degree of freedom). */
function chanceOf(bits: number, posts: number): number {
  const g = 2 * posts * Math.LN2 * bits;
  return Math.min(1, Math.exp(-g / 2) / Math.sqrt(1 + g / 2));
}

/** "psbattle this" says nothing new beside "psbattle". */
function withoutPairsOf(words: TellingWord[]): TellingWord[] {
  const single = new Set(words.filter(({ word }) => !word.includes(' ')).map(({ word }) => word));
  return words.filter(({ word }) => !word.includes(' ') || !word.split(' ').some((part) => single.has(part)));
}
