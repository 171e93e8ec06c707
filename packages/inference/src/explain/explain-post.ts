// Occlusion: hide a part, judge again, and see what changes (Zeiler and Fergus 2014, https://arxiv.org/abs/1311.2901).
import type { Preprocessing } from '@crosscheck/contract';
import type { Tokenizer } from '@crosscheck/preprocess';
import type { EncodedPost } from '../batching/micro-batcher.ts';
import type { Prediction } from '../classifier.ts';
import type { Explanation, HeatMap, WordWeight } from './explanation.ts';
import { type Halves, weighModalities } from './modalities.ts';
import { neutralPicture, occludePicture } from './picture.ts';
import { type ExplanationPlan, modalityPasses, planExplanation } from './plan.ts';
import { groupWords, readWords, type Word, withoutWords } from './words.ts';

/** What explaining needs of a classifier. */
export interface ExplainContext {
  tokenizer: Tokenizer;
  preprocessing: Preprocessing;
  temperature: number;
  /** Posts that are sent to the workers at a time: enough to fill their batches, few enough that others' posts get in between. */
  width: number;
  computeLogit: (post: EncodedPost) => Promise<number>;
  judge: (logit: number) => Prediction;
}

interface DecodedPost {
  text: string;
  /** [S, S, 3] RGB u8. */
  pixels: Uint8Array;
}

/** A post with something hidden, made only when its turn comes. */
type Variant = () => EncodedPost;

/** Explains one post. */
export async function explainPost({ text, pixels }: DecodedPost, context: ExplainContext): Promise<Explanation> {
  const { tokenizer, preprocessing, temperature, judge } = context;
  const tokenIds = tokenizer.encode(text);
  const words = readWords(text, tokenizer, tokenIds.length);
  const plan = planExplanation(tokenIds.length, words.length);
  const runs = groupWords(words, plan.wordGroups);
  const neutral = { pixels: neutralPicture(preprocessing), tokenIds: tokenizer.encode('') };

  const halves: Variant[] = [
    () => ({ pixels, tokenIds }),
    () => ({ pixels, tokenIds: neutral.tokenIds }),
    () => ({ pixels: neutral.pixels, tokenIds }),
    () => neutral,
  ];
  const cells: Variant[] = Array.from({ length: plan.gridSide ** 2 }, (_, cell) => () => ({
    pixels: occludePicture(pixels, cell, plan.gridSide, neutral.pixels),
    tokenIds,
  }));
  const shortened: Variant[] = runs.map((run) => () => ({
    pixels,
    tokenIds: tokenizer.encode(withoutWords(text, run)),
  }));
  const logits = await computeLogits([...halves, ...cells, ...shortened], context);

  const logOdds = logits.map((logit) => logit / temperature);
  const [both] = logOdds as [number];
  const effects = logOdds.slice(modalityPasses).map((without) => both - without);
  const verdicts = nameHalves(logits.slice(0, modalityPasses).map(judge));
  return {
    prediction: verdicts.both,
    neither: verdicts.neither,
    ...weighModalities(nameHalves(logOdds), verdicts),
    heatMap: toHeatMap(effects, plan),
    wordWeights: toWordWeights(runs, effects.slice(cells.length)),
    passes: logits.length,
  };
}

async function computeLogits(variants: readonly Variant[], { width, computeLogit }: ExplainContext): Promise<number[]> {
  const logits: number[] = Array.from({ length: variants.length });
  const queue = variants.entries();
  const lane = async () => {
    for (const [i, variant] of queue) logits[i] = await computeLogit(variant());
  };
  await Promise.all(Array.from({ length: width }, lane));
  return logits;
}

function nameHalves<T>([both, pictureOnly, wordsOnly, neither]: readonly T[]): Halves<T> {
  return { both, pictureOnly, wordsOnly, neither } as Halves<T>;
}

function toHeatMap(effects: readonly number[], { gridSide }: ExplanationPlan): HeatMap {
  const values = Array.from({ length: gridSide }, (_, row) => effects.slice(row * gridSide, (row + 1) * gridSide));
  return { rows: gridSide, columns: gridSide, values };
}

/** Words that were left out together share what that changed. */
function toWordWeights(runs: readonly Word[][], effects: readonly number[]): WordWeight[] {
  return runs.flatMap((run, i) => run.map((word) => ({ ...word, weight: (effects[i] as number) / run.length })));
}
