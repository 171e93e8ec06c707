import type { Freeze } from '@crosscheck/network';
import { tf } from '@crosscheck/tensorflow';
import { type Features, looksAtTokens, type ModelInput, passFusion, passText, passVision } from './encode.ts';
import { computeGradientsFast } from './fast/gradients.ts';
import { encodeFast, predictLogitsFast } from './fast/predict.ts';
import {
  computeGradients,
  type GradientStep,
  type Gradients,
  type TrainingInput,
  trainableNames,
} from './gradients.ts';
import type { Pass } from './layers/pass.ts';
import { type EncodedInput, encode, predictLogits, predictLogitsFromFeatures } from './predict.ts';
import { createState, disposeState, type ModelOptions, type ModelState, openPass } from './state.ts';

export interface Model extends ModelState {
  /** Image [B, S, S, 3], normalised → features [B, headChannels]. Evaluation mode unless `pass` says otherwise. */
  encodeVision(image: tf.Tensor4D, pass?: Partial<Pass>): tf.Tensor2D;
  /** Token ids and mask, [B, L] int32 → features [B, hiddenSize]. Evaluation mode unless `pass` says otherwise. */
  encodeText(inputIds: tf.Tensor2D, attentionMask: tf.Tensor2D, pass?: Partial<Pass>): tf.Tensor2D;
  /** Features of both backbones → logits [B, 1]; sigmoid(logit) is the probability of FAKE. */
  fuse(vision: tf.Tensor2D, text: tf.Tensor2D, pass?: Partial<Pass>): tf.Tensor2D;
  /** Both backbones in evaluation mode: what a trainer may keep while they are frozen. */
  encode(input: ModelInput): Features;
  /** Logits [B] in evaluation mode; `pass` changes the mode or watches the layers. */
  predictLogits(input: ModelInput, pass?: Partial<Pass>): Float32Array;
  /** Logits [B] of samples whose features `encode` has made. */
  predictLogitsFromFeatures(input: EncodedInput): Float32Array;
  /** Loss, logits and gradients of a batch, or of the `features` of frozen backbones instead of their inputs. */
  computeGradients(input: TrainingInput, step: GradientStep): Gradients;
  /** Names of the variables that learn, in checkpoint order. */
  trainableNames(freeze: Freeze): string[];
  dispose(): void;
}

const engines = {
  plain: { encode, predictLogits, predictLogitsFromFeatures, computeGradients },
  fast: {
    encode: encodeFast,
    predictLogits: predictLogitsFast,
    predictLogitsFromFeatures: (state: ModelState, input: EncodedInput) => predictLogitsFast(state, input),
    computeGradients: computeGradientsFast,
  },
};

/**
 * Builds the network with fresh weights: EfficientNet-B0 and DistilBERT, each projected to the same size, and their fusion.
 * The default architecture has 72,240,765 parameters; small numbers give a small network of the same code.
 *
 * @example createModel({ architecture: architectureSchema.parse({}), dropout: defaultDropout, batchNormMomentum: 0.1, seed: 42 })
 */
export function createModel(options: ModelOptions): Model {
  const state = createState(options);
  // Only the plain encoders give regions and tokens.
  const engine = engines[looksAtTokens(state) ? 'plain' : (options.engine ?? 'fast')];
  return {
    ...state,
    encodeVision: (image, pass) => passVision(state, openPass(state, pass), image),
    encodeText: (inputIds, attentionMask, pass) => passText(state, openPass(state, pass), [inputIds, attentionMask]),
    fuse: (vision, text, pass) => passFusion(state, openPass(state, pass), { vision, text }),
    encode: (input) => engine.encode(state, input),
    predictLogits: (input, pass) => (pass ? predictLogits(state, input, pass) : engine.predictLogits(state, input)),
    predictLogitsFromFeatures: (input) => engine.predictLogitsFromFeatures(state, input),
    computeGradients: (input, step) => engine.computeGradients(state, input, step),
    trainableNames: (freeze) => trainableNames(state, freeze),
    dispose: () => disposeState(state),
  };
}
