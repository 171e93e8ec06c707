// The state's network in the three pieces that are computed one after the other, as each engine computes them.
import {
  classifier,
  givenFeatures,
  imageFeatures,
  isInput,
  noDropout,
  onlyFirstToken,
  type Shape,
  textFeatures,
  type Value,
  valuesOf,
} from '@crosscheck/network';
import { fuseNormActivations } from './rewrites/norm-activation.ts';
import type { ModelState } from './state.ts';

/** A piece of the network, and what it begins at. */
export interface Piece {
  output: Value;
  inputs: readonly Value[];
}

/** How an engine computes a piece: of what it was composed of, or of what rewrites have made of that. */
type Rewrites = (output: Value) => Value;

export const rewrites: Record<'oracle' | 'fast', Rewrites> = {
  oracle: (output) => output,
  fast: (output) => fuseNormActivations(onlyFirstToken(output)),
};

/** Builds a piece once for every setting that it is asked for in. */
const pieces = new WeakMap<ModelState, Map<string, Piece>>();

function pieceOf(state: ModelState, key: string, build: () => Value): Piece {
  const known = pieces.get(state) ?? new Map<string, Piece>();
  pieces.set(state, known);
  const found = known.get(key);
  if (found) return found;
  const output = rewrites[state.engine ?? 'fast'](build());
  const piece = { output, inputs: valuesOf(output).filter(isInput) };
  known.set(key, piece);
  return piece;
}

/** Dropout is part of a network only where it can drop something. */
const ratesOf = ({ dropout }: ModelState, training: boolean) => (training ? dropout : noDropout);

/** Images → [B, V], or [B, R, V] where the fusion looks at regions. */
export const imagePiece = (state: ModelState, training: boolean, imageSize: number): Piece =>
  pieceOf(state, `image ${training} ${imageSize}`, () =>
    imageFeatures(state.architecture, ratesOf(state, training), imageSize),
  );

/** Tokens → [B, T], or [T, T] of every token where the fusion looks at tokens. */
export const textPiece = (state: ModelState, training: boolean): Piece =>
  pieceOf(state, `text ${training}`, () => textFeatures(state.architecture, ratesOf(state, training)));

/** Both features → logits [B, 1]. Inputs: the image's, then the text's. */
export const classifierPiece = (state: ModelState, training: boolean, imageShape: Shape): Piece =>
  pieceOf(state, `classifier ${training}`, () => {
    const { architecture } = state;
    return classifier(architecture, ratesOf(state, training), givenFeatures(architecture, imageShape));
  });
