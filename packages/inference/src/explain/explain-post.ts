// Occlusion: hide a part, judge again, and see what changes (Zeiler and Fergus 2014, https://arxiv.org/abs/1311.2901).
import type { Modalities, Preprocessing } from '@crosscheck/contract';
import { mapConcurrently } from '@crosscheck/files';
import type { Tokenizer } from '@crosscheck/preprocess';
import type { EncodedPost } from '../batching/micro-batcher.ts';
import type { Prediction } from '../parts.ts';
import type { Explanation, HeatMap, WordWeight } from './explanation.ts';
import { type Halves, weighModalities } from './modalities.ts';
import { neutralPicture, occludePicture } from './picture.ts';
import { type ExplanationPlan, modalityPasses, planExplanation } from './plan.ts';
import { groupWords, readWords, type Word, withoutWords } from './words.ts';

/** What explaining needs of a classifier. */
export interface ExplainContext {
  tokenizer: Tokenizer;
  preprocessing: Preprocessing;
  modalities: Modalities;
  temperature: number;
  /** Posts that are sent to the workers at a time: enough to fill their batches, few enough that others' posts get in between. */
  width: number;
  computeLogit: (post: EncodedPost) => Promise<number>;
  judge: (logit: number) => Prediction;
}

interface DecodedPost {
  text: string;
  hasText: boolean;
  /** [S, S, 3] RGB u8; null without a picture. */
  pixels: Uint8Array | null;
}

/** A post with something hidden, made only when its turn comes. */
type Variant = () => EncodedPost;

/** Explains one post. A part that it lacks is as neutral as can be: it contributes nothing, and has no map and no weights. */
export async function explainPost(
  { text, hasText, pixels }: DecodedPost,
  context: ExplainContext,
): Promise<Explanation> {
  const { tokenizer, preprocessing, temperature, judge } = context;
  const tokenIds = tokenizer.encode(text);
  const words = hasText ? readWords(text, tokenizer, tokenIds.length) : [];
  const plan = planExplanation(tokenIds.length, words.length);
  const runs = groupWords(words, plan.wordGroups);
  const meanColour = neutralPicture(preprocessing);
  const whole = { picture: asPicture(pixels), text: { tokenIds, hasText } };
  const neutral = neutralParts(whole, context, meanColour);

  const halves: Variant[] = [
    () => ({ ...whole.picture, ...whole.text }),
    () => ({ ...whole.picture, ...neutral.text }),
    () => ({ ...neutral.picture, ...whole.text }),
    () => ({ ...neutral.picture, ...neutral.text }),
  ];
  const cells: Variant[] = Array.from({ length: pixels ? plan.gridSide ** 2 : 0 }, (_, cell) => () => ({
    ...asPicture(occludePicture(pixels as Uint8Array, cell, plan.gridSide, meanColour)),
    ...whole.text,
  }));
  const shortened: Variant[] = runs.map((run) => () => ({
    ...whole.picture,
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
    heatMap: pixels ? toHeatMap(effects, plan) : noHeatMap,
    wordWeights: toWordWeights(runs, effects.slice(cells.length)),
    passes: logits.length,
  };
}

const noHeatMap: HeatMap = { rows: 0, columns: 0, values: [] };

interface Encoded {
  picture: Pick<EncodedPost, 'picture'>;
  text: Pick<EncodedPost, 'tokenIds' | 'hasText'>;
}

function asPicture(pixels: Uint8Array | null): Pick<EncodedPost, 'picture'> {
  return { picture: pixels && { form: 'pixels', bytes: pixels } };
}

/**
 * What takes the place of a hidden half. A network that was trained for posts without a part is told that it is missing; to others a picture of
 * the mean colour and a blank text say nothing. A half that the post lacks is its own.
 */
function neutralParts(whole: Encoded, { tokenizer, modalities }: ExplainContext, meanColour: Uint8Array): Encoded {
  const tokenIds = tokenizer.encode('');
  const picture = modalities.image === 'optional' ? null : meanColour;
  return {
    picture: whole.picture.picture ? asPicture(picture) : whole.picture,
    text: whole.text.hasText ? { tokenIds, hasText: modalities.text === 'required' } : whole.text,
  };
}

/** The service that explains answers its own signals. */
function computeLogits(variants: readonly Variant[], { width, computeLogit }: ExplainContext): Promise<number[]> {
  return mapConcurrently(variants, width, (variant) => computeLogit(variant()), { heedsStop: false });
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
