import { CrosscheckError, type Modalities, type Verdict } from '@crosscheck/contract';

export interface Prediction extends Verdict {
  /** Calibrated: sigmoid(logit / temperature), in [0, 1]. */
  probabilityFake: number;
  /** As it leaves the network. */
  logit: number;
  /** The parts of the post; only there when it lacks one. */
  modalities?: Modality[];
}

/** The parts of a post. */
export type Modality = keyof Modalities;

const names: Record<Modality, string> = { image: 'a picture', text: 'words' };

/**
 * Which parts a post has, as the model reads it: blank words are words to a model that needs some, and none to one that does without.
 *
 * @throws CROSSCHECK_INFERENCE_POST_INCOMPLETE
 */
export function partsOf(post: { text: string; image: unknown }, modalities: Modalities): Record<Modality, boolean> {
  const has = { image: post.image !== null, text: modalities.text === 'required' || post.text.trim() !== '' };
  if (!has.image && modalities.image === 'required') throw incomplete(modalities, 'image');
  if (!has.image && !has.text) throw new CrosscheckError('CROSSCHECK_INFERENCE_POST_INCOMPLETE', nothingLeft);
  return has;
}

const nothingLeft = 'expected a picture, words or both, got neither; send at least one of them';

function incomplete(modalities: Modalities, part: Modality): CrosscheckError {
  const needed = (Object.keys(names) as Modality[]).filter((name) => modalities[name] === 'required');
  const message = `expected ${names[part]}: this model needs ${needed.map((name) => names[name]).join(' and ')}; send both, or use a model that was trained with model.missing_modality=learned`;
  return new CrosscheckError('CROSSCHECK_INFERENCE_POST_INCOMPLETE', message);
}

/** The parts that a verdict rests on, for posts that lack one; nothing for whole posts. */
export function partial(has: Record<Modality, boolean>): { modalities?: Modality[] } {
  const there = (['image', 'text'] as const).filter((name) => has[name]);
  return there.length === 2 ? {} : { modalities: there };
}
