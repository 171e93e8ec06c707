// Predictions and gradients by layers that go forward and back: what ../oracle computes with tfjs's tape, in less time and memory.
import { type Freeze, isFrozen, readsSequences, type Value } from '@crosscheck/network';
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
import { classifierPiece, imagePiece, type Piece, textPiece } from '../networks.ts';
import { type Packing, packTokens } from '../packing.ts';
import type { Pass } from '../pass.ts';
import { presenceOf } from '../presence.ts';
import { planOf } from '../run/plan.ts';
import { type Forward, forward } from '../run/run.ts';
import { type ModelState, openPass } from '../state.ts';
import { crossEntropy } from './cross-entropy.ts';
import { bestKernels } from './kernel-set.ts';
import { consume, gatherRows, release, scatterRows } from './kernels.ts';
import { fastOps } from './ops.ts';
import type { KernelSet, Work } from './work.ts';

/** One part of a batch: its features, and the backward pass to its backbone's parameters where there is one. */
interface Branch {
  features: tf.Tensor;
  /** Takes the gradient of the features. */
  backward: ((dFeatures: tf.Tensor) => void) | null;
}

type Learns = (parameter: string) => boolean;

interface Context {
  state: ModelState;
  input: PartialInput;
  /** What the passes of a step share. */
  work: Omit<Work, keyof Pass | 'tokens'>;
  passOf(part: keyof Freeze | 'head'): Pass;
  learns(part: keyof Freeze | 'head'): Learns;
  image: tf.Tensor4D | null; // [B, S, S, 3]
  packing: Packing | null;
}

/** Features that are given stay as they are; images become features. */
function openVision(context: Context): Branch {
  const { state, input } = context;
  const given = givenVision(state.architecture, input);
  if (given) return { features: given, backward: null };
  const image = context.image as tf.Tensor4D;
  const pass = context.passOf('vision');
  const piece = imagePiece(state, pass.training, input.imageSize as number);
  return openBranch(context, 'vision', { piece, pass, given: [image] });
}

/** Features that are given stay as they are; tokens become features. */
function openText(context: Context): Branch {
  const { state, input, packing } = context;
  const given = givenText(state.architecture, input);
  if (given) {
    const features = packing ? consume(given, (rows) => gatherRows(rows, packing.places)) : given; // [B, T] or [T, T]
    return { features, backward: null };
  }
  const pass = context.passOf('text');
  return openBranch(context, 'text', { piece: textPiece(state, pass.training), pass, given: [] });
}

function openBranch(
  context: Context,
  part: keyof Freeze,
  { piece, pass, given }: { piece: Piece; pass: Pass; given: tf.Tensor[] },
): Branch {
  const { run, isLearning } = runPiece(context, {
    piece,
    pass,
    given,
    learns: context.learns(part),
    isMixed: part === 'text',
  });
  const close = () => release(given);
  if (!isLearning) {
    run.drop();
    close();
    return { features: run.y, backward: null };
  }
  const backward = (dy: tf.Tensor) => {
    run.backward(dy);
    close();
  };
  return { features: run.y, backward };
}

interface PieceRun {
  piece: Piece;
  pass: Pass;
  given: readonly tf.Tensor[];
  learns: Learns;
  isMixed?: boolean;
  /** Inputs whose gradients are asked for. */
  asked?: readonly Value[];
}

function runPiece(
  { work, packing }: Context,
  { piece: { output, inputs }, pass, given, learns, isMixed = false, asked = [] }: PieceRun,
): { run: Forward; isLearning: boolean } {
  const plan = planOf(output, learns, asked);
  const ops = fastOps({ ...work, ...pass, tokens: packing, mixedPrecision: work.mixedPrecision && isMixed });
  const run = forward(plan, ops, new Map(inputs.map((input, i) => [input, given[i] as tf.Tensor])));
  return { run, isLearning: plan.learns(output) };
}

interface Judged {
  logits: Float32Array;
  /** Takes the gradient of the logits. */
  backward: (dLogits: tf.Tensor) => void;
}

/** Both branches and what joins them. */
function judge(context: Context): Judged {
  const [vision, text] = [openVision(context), openText(context)];
  const pass = context.passOf('head');
  const piece = classifierPiece(context.state, pass.training, ['B', ...vision.features.shape.slice(1)]);
  const branches = [vision, text];
  const asked = piece.inputs.filter((_, i) => branches[i]?.backward);
  const given = branches.map(({ features }) => features);
  const { run } = runPiece(context, { piece, pass, given, learns: context.learns('head'), asked });
  const logits = consume(run.y, (y) => y.dataSync() as Float32Array);
  return {
    logits,
    backward(dLogits) {
      const gradients = run.backward(dLogits);
      release(given);
      for (const branch of branches.filter(({ backward }) => backward)) {
        consume(gradients.shift() as tf.Tensor, (dy) => branch.backward?.(dy));
      }
    },
  };
}

/** What is not given as features, checked and copied. */
function openInputs({ architecture }: ModelState, input: PartialInput): Pick<Context, 'image' | 'packing'> {
  const image = input.features?.vision ? null : imageTensor(input);
  const places = placesOf(architecture, input);
  return { image, packing: places && packTokens(places) };
}

function evaluationContext(state: ModelState, input: PartialInput): Context {
  const pass = openPass(state);
  return {
    state,
    input,
    work: {
      kernels: bestKernels,
      mixedPrecision: false,
      marks: presenceOf(state.architecture, input),
      learn: () => undefined,
    },
    passOf: () => pass,
    learns: () => () => false,
    ...openInputs(state, input),
  };
}

/** Runs both backbones in evaluation mode. */
export function encode(state: ModelState, input: ModelInput): Features {
  return tf.tidy(() => {
    const context = evaluationContext(state, input);
    const read = (features: tf.Tensor) => consume(features, (x) => x.dataSync() as Float32Array);
    const vision = read(openVision(context).features);
    const { features } = openText(context);
    return { vision, text: read(readsSequences(state.architecture) ? spread(features, context) : features) };
  });
}

/** Rows of tokens at their places, with zeros on padding: [B · L, T] */
function spread(rows: tf.Tensor, { packing }: Context): tf.Tensor {
  const { places, size, length } = packing as Packing;
  return consume(rows, (x) => scatterRows(x, places, size * length));
}

/** Logits of a batch in evaluation mode, from its pixels and tokens or from their features. @returns [B] */
export function predictLogits(state: ModelState, input: PartialInput | EncodedInput): Float32Array {
  return tf.tidy(() => judge(evaluationContext(state, input)).logits);
}

/**
 * Loss, logits and gradients of one batch. Features that are given replace frozen backbones. Running statistics move once, and only when the
 * loss is finite, or are given back.
 */
export function computeGradients(
  state: ModelState,
  input: TrainingInput,
  step: GradientStep,
  kernels: KernelSet = bestKernels,
): Gradients {
  return settleStep({ state, step }, (moved, names) =>
    differentiate({ state, step, moved, kernels }, input, new Set(names)),
  );
}

export interface FastRun extends StepRun {
  kernels: KernelSet;
}

/** Leaves no tensor behind but the gradients and the moved statistics. */
export function differentiate(run: FastRun, input: TrainingInput, trainable: ReadonlySet<string>): Differentiated {
  const gradients = new Map<string, tf.Tensor>();
  try {
    const judged = tf.tidy(() => lossAndGradients(run, input, { trainable, gradients }));
    return { ...judged, gradients };
  } catch (error) {
    tf.dispose([...gradients.values()]);
    throw error;
  }
}

function lossAndGradients(
  run: FastRun,
  input: TrainingInput,
  { trainable, gradients }: { trainable: ReadonlySet<string>; gradients: Map<string, tf.Tensor> },
): Pick<Differentiated, 'loss' | 'logits'> {
  const { state, step } = run;
  checkLabels(input.label, input.size);
  const context: Context = {
    state,
    input,
    work: {
      kernels: run.kernels,
      mixedPrecision: step.mixedPrecision ?? false,
      marks: presenceOf(state.architecture, input),
      // Gradients and moved statistics outlive the scopes in which they are computed.
      learn: (name, gradient) => void (trainable.has(name) && gradients.set(name, tf.keep(gradient() as tf.Tensor))),
    },
    passOf: (part) => keepingStatistics(part === 'head' ? headPass(run) : backbonePass(run, part)),
    learns: (part) => (name) =>
      trainable.has(name) &&
      (part === 'head' ? !isFrozen(name, { vision: true, text: true }) : !isBackboneFrozen(run, part)),
    ...openInputs(state, input),
  };
  const { logits, backward } = judge(context);
  const { loss, gradient } = crossEntropy(logits, input.label, step);
  consume(tf.tensor2d(gradient, [input.size, 1]), backward); // [B, 1]
  release(context.packing);
  return { loss, logits };
}

function keepingStatistics(pass: Pass): Pass {
  return { ...pass, moveStatistic: (name, value) => pass.moveStatistic(name, tf.keep(value)) };
}
