// Predictions and gradients by tfjs's operations and tape: what the tests believe.
import { type Freeze, readsSequences, type Value } from '@crosscheck/network';
import { tf } from '@crosscheck/tensorflow';
import {
  backbonePass,
  type Differentiated,
  type GradientStep,
  type Gradients,
  headPass,
  isBackboneFrozen,
  type StepRun,
  settleStep,
  type TrainingInput,
} from '../gradients.ts';
import {
  checkLabels,
  type EncodedInput,
  type Features,
  givenText,
  givenVision,
  imageTensor,
  type ModelInput,
  type PartialInput,
  placesOf,
} from '../input.ts';
import { binaryCrossEntropy } from '../loss.ts';
import { classifierPiece, imagePiece, type Piece, textPiece } from '../networks.ts';
import { type Packing, packTokens, type Texts } from '../packing.ts';
import type { Pass } from '../pass.ts';
import { type Presence, presenceOf } from '../presence.ts';
import { planOf } from '../run/plan.ts';
import { forward } from '../run/run.ts';
import { type ModelState, openPass } from '../state.ts';
import { oracleOps } from './ops.ts';

interface Context {
  state: ModelState;
  input: PartialInput;
  tokens: Packing | null;
  marks: Presence;
  image: tf.Tensor4D | null;
}

/** Everything is checked and copied before a tape starts: an error while it runs would leave its tensors behind. */
function openContext(state: ModelState, input: PartialInput): Context {
  const image = input.features?.vision ? null : imageTensor(input);
  const places = placesOf(state.architecture, input);
  return {
    state,
    input,
    marks: presenceOf(state.architecture, input),
    image,
    tokens: places && packTokens(places, true),
  };
}

const nothing: (parameter: string) => boolean = () => false;

function run(context: Context, pass: Pass, { output, inputs }: Piece, given: readonly tf.Tensor[]): tf.Tensor {
  const ops = oracleOps(pass, context);
  const byInput = new Map<Value, tf.Tensor>(inputs.map((input, i) => [input, given[i] as tf.Tensor]));
  // Its layers have no gradients of their own here, so nothing but their results is asked of it.
  return forward(planOf(output, nothing), ops as never, byInput, (name, y) => pass.observe(name, y)).y;
}

function featuresOfImages(context: Context, pass: Pass): tf.Tensor {
  const { state, input, image } = context;
  const given = givenVision(state.architecture, input);
  return given ?? run(context, pass, imagePiece(state, pass.training, input.imageSize as number), [image as tf.Tensor]);
}

function featuresOfTexts(context: Context, pass: Pass): tf.Tensor {
  const { state, input } = context;
  const given = givenText(state.architecture, input);
  return given ?? run(context, pass, textPiece(state, pass.training), []);
}

/** @returns [B, 1] */
function classify(context: Context, pass: Pass, [vision, text]: readonly [tf.Tensor, tf.Tensor]): tf.Tensor2D {
  const piece = classifierPiece(context.state, pass.training, ['B', ...vision.shape.slice(1)]);
  return run(context, pass, piece, [vision, text]) as tf.Tensor2D;
}

/**
 * Images [B, S, S, 3], normalised → features [B, V]: under a tape of the caller's, if there is one. Evaluation mode, unless `changes` say
 * otherwise.
 */
export function imageFeatures(state: ModelState, image: tf.Tensor4D, changes: Partial<Pass> = {}): tf.Tensor2D {
  const pass = openPass(state, changes);
  const context = { state, input: { size: image.shape[0] }, marks: {}, image, tokens: null };
  return run(context, pass, imagePiece(state, pass.training, image.shape[1]), [image]) as tf.Tensor2D;
}

/** Texts → features [B, T], as `imageFeatures`. */
export function textFeatures(state: ModelState, texts: Texts, changes: Partial<Pass> = {}): tf.Tensor2D {
  const pass = openPass(state, changes);
  const context = { state, input: texts, marks: {}, image: null, tokens: packTokens(texts, true) };
  return run(context, pass, textPiece(state, pass.training), []) as tf.Tensor2D;
}

/** Runs both backbones in evaluation mode. */
export function encode(state: ModelState, input: ModelInput): Features {
  return tf.tidy(() => {
    const [context, pass] = [openContext(state, input), openPass(state)];
    const text = featuresOfTexts(context, pass); // [B, T] or [B · L, T]
    const mask = tf.tensor2d(input.attentionMask, [input.size * input.length, 1], 'float32');
    return {
      vision: featuresOfImages(context, pass).dataSync() as Float32Array,
      text: (readsSequences(state.architecture) ? tf.mul(text, mask) : text).dataSync() as Float32Array,
    };
  });
}

/** Logits of a batch in evaluation mode, or in the mode that `changes` ask for; they may watch the layers. @returns [B] */
export function predictLogits(
  state: ModelState,
  input: PartialInput | EncodedInput,
  changes: Partial<Pass> = {},
): Float32Array {
  return tf.tidy(() => {
    const [context, pass] = [openContext(state, input), openPass(state, changes)];
    const features = [featuresOfImages(context, pass), featuresOfTexts(context, pass)] as const;
    return classify(context, pass, features).dataSync() as Float32Array;
  });
}

/** Loss, logits and gradients of one batch: see ../fast/engine.ts for what it promises. */
export function computeGradients(state: ModelState, input: TrainingInput, step: GradientStep): Gradients {
  checkLabels(input.label, input.size);
  return settleStep({ state, step }, (moved, names) => differentiate({ state, step, moved }, input, names));
}

/** Frozen backbones run first and outside the tape, so nothing of them stays in memory. */
function differentiate(step: StepRun, input: TrainingInput, names: readonly string[]): Differentiated {
  const { state } = step;
  const variables = names.map((name) => state.variables.get(name) as tf.Variable);
  const isFrozen = (backbone: keyof Freeze) => isBackboneFrozen(step, backbone);
  let logits: tf.Tensor2D | undefined;
  let loss = Number.NaN;
  try {
    const found = tf.tidy(() => {
      const context = openContext(state, input);
      const labels = tf.tensor2d(input.label, [input.size, 1]);
      const vision = () => featuresOfImages(context, backbonePass(step, 'vision'));
      const text = () => featuresOfTexts(context, backbonePass(step, 'text'));
      const [frozenVision, frozenText] = [isFrozen('vision') ? vision() : null, isFrozen('text') ? text() : null];
      const { value, grads } = tf.variableGrads(() => {
        const features = [frozenVision ?? vision(), frozenText ?? text()] as const;
        logits = tf.keep(classify(context, headPass(step), features)); // [B, 1]
        return binaryCrossEntropy(logits, labels, step.step);
      }, variables);
      loss = value.dataSync()[0] as number;
      return variables.map(({ name }) => grads[name]) as tf.Tensor[];
    });
    const gradients = new Map(names.flatMap((name, i) => (found[i] ? [[name, found[i]]] : [])));
    return { loss, logits: logits?.dataSync() as Float32Array, gradients };
  } finally {
    logits?.dispose();
  }
}
