import type { Freeze } from '@crosscheck/network';
import type { tf } from '@crosscheck/tensorflow';
import * as fast from './fast/engine.ts';
import { type GradientStep, type Gradients, moveStatistics, type TrainingInput, trainableNames } from './gradients.ts';
import type { EncodedInput, Features, ModelInput } from './input.ts';
import * as oracle from './oracle/engine.ts';
import type { Texts } from './packing.ts';
import type { Pass } from './pass.ts';
import { createState, disposeState, type ModelOptions, type ModelState } from './state.ts';

export interface Model extends ModelState {
  /** Images [B, S, S, 3], normalised → features [B, V], which a tape of the caller's can differentiate. */
  imageFeatures(image: tf.Tensor4D, pass?: Partial<Pass>): tf.Tensor2D;
  /** Texts → features [B, T], alike. */
  textFeatures(texts: Texts, pass?: Partial<Pass>): tf.Tensor2D;
  /** Both backbones in evaluation mode: what a trainer may keep while they are frozen. */
  encode(input: ModelInput): Features;
  /** Logits [B] in evaluation mode; `pass` changes the mode or watches the layers, which the oracle does. */
  predictLogits(input: ModelInput, pass?: Partial<Pass>): Float32Array;
  /** Logits [B] of samples whose features `encode` has made. */
  predictLogitsFromFeatures(input: EncodedInput): Float32Array;
  /** Loss, logits and gradients of a batch, or of the `features` of frozen backbones instead of their inputs. */
  computeGradients(input: TrainingInput, step: GradientStep): Gradients;
  /** Moves the running statistics to values that `computeGradients` gave back, or to a mean of several. */
  moveStatistics(statistics: ReadonlyMap<string, tf.Tensor>): void;
  /** Names of the variables that learn, in checkpoint order. */
  trainableNames(freeze: Freeze): string[];
  dispose(): void;
}

const engines = { oracle, fast };

/**
 * Builds the network with fresh weights: the backbones of the architecture, each projected to the same size, and their fusion.
 * The default architecture has 72,240,765 parameters; small numbers give a small network of the same code.
 *
 * @example createModel({ architecture: architectureSchema.parse({}), dropout: defaultDropout, batchNormMomentum: 0.1, seed: 42 })
 */
export function createModel(options: ModelOptions): Model {
  const state = createState(options);
  const watched: ModelState = { ...state, engine: 'oracle' };
  const engine = engines[options.engine ?? 'fast'];
  return {
    ...state,
    imageFeatures: (image, pass) => oracle.imageFeatures(watched, image, pass),
    textFeatures: (texts, pass) => oracle.textFeatures(watched, texts, pass),
    encode: (input) => engine.encode(state, input),
    predictLogits: (input, pass) =>
      pass ? oracle.predictLogits(watched, input, pass) : engine.predictLogits(state, input),
    predictLogitsFromFeatures: (input) => engine.predictLogits(state, input),
    computeGradients: (input, step) => engine.computeGradients(state, input, step),
    moveStatistics: (statistics) => moveStatistics(state, statistics),
    trainableNames: (freeze) => trainableNames(state, freeze),
    dispose: () => disposeState(state),
  };
}
