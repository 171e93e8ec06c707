import type { Batch } from '@crosscheck/contract';
import { tf } from '@crosscheck/tensorflow';
import {
  type Features,
  featureTensor,
  imageTensor,
  labelTensor,
  type PartialInput,
  passFusion,
  passText,
  passVision,
  tokenTensors,
} from './encode.ts';
import { type Freeze, isFrozen, nothingFrozen } from './freeze.ts';
import type { Pass } from './layers/pass.ts';
import { binaryCrossEntropy, type LossOptions } from './loss.ts';
import { type ModelState, openPass, variableNamed } from './state.ts';

export interface GradientStep extends LossOptions {
  /** Seed of this step: fixes dropout and stochastic depth. */
  seed: number;
  /** Backbones that stay as they are; none by default. */
  freeze?: Freeze;
  /**
   * What a frozen backbone's batch norm and dropout do. `keep` (default): evaluation mode, weights and statistics stay bit-identical.
   * `update`: training mode as in the original, where statistics drift although weights do not.
   */
  frozenBatchNorm?: 'keep' | 'update';
  /** Names of the variables to differentiate; by default all that are not frozen. */
  trainable?: readonly string[];
  /** Off for a gradient of the network as it predicts: no dropout, running statistics. On by default. */
  training?: boolean;
}

export interface Gradients {
  /** Mean binary cross entropy of the batch, in nats. */
  loss: number;
  /** [B] */
  logits: Float32Array;
  /** By variable name, in the variable's own layout. */
  gradients: ReadonlyMap<string, tf.Tensor>;
  dispose(): void;
}

/** A batch, or as much of it as is needed when features of frozen backbones are given. */
export type TrainingInput = PartialInput & Pick<Batch, 'label'> & { features?: Partial<Features> };

/** Running statistics of one step by name, not yet applied. */
type Moved = Map<string, tf.Tensor>;

/**
 * Loss, logits and gradients of one batch. Frozen backbones run first and outside the tape, so nothing of them stays in memory;
 * features that are given replace them. Running statistics move once, and only when the loss is finite.
 */
export function computeGradients(state: ModelState, input: TrainingInput, step: GradientStep): Gradients {
  const moved: Moved = new Map();
  const names = step.trainable ?? trainableNames(state, step.freeze ?? nothingFrozen);
  const variables = names.map((name) => variableNamed(state.variables, name));
  try {
    const { loss, logits, gradients } = differentiate({ state, input, step, moved }, variables);
    if (Number.isFinite(loss)) applyStatistics(state, moved);
    const named = new Map(names.flatMap((name, i) => (gradients[i] ? [[name, gradients[i]] as const] : [])));
    return { loss, logits, gradients: named, dispose: () => tf.dispose([...named.values()]) };
  } finally {
    tf.dispose([...moved.values()]);
  }
}

/** Names of the variables that learn, in checkpoint order. */
export function trainableNames(state: Pick<ModelState, 'variables'>, freeze: Freeze): string[] {
  return [...state.variables.keys()].filter((name) => !isFrozen(name, freeze));
}

interface Run {
  state: ModelState;
  input: TrainingInput;
  step: GradientStep;
  moved: Moved;
}

interface Differentiated {
  loss: number;
  logits: Float32Array;
  gradients: (tf.Tensor | undefined)[];
}

function differentiate(run: Run, variables: tf.Variable[]): Differentiated {
  const frozen = tf.tidy(() => frozenFeatures(run));
  let logits: tf.Tensor2D | undefined;
  try {
    const { value, grads } = tf.variableGrads(() => {
      const [image, words] = [frozen.vision ?? vision(run), frozen.text ?? text(run)]; // [B, V], [B, T]
      logits = tf.keep(passFusion(run.state, headPass(run), image, words)); // [B, 1]
      return binaryCrossEntropy(logits, labelTensor(run.input.label, run.input.size), run.step);
    }, variables);
    const [loss] = readAndDispose(value);
    return {
      loss: loss as number,
      logits: logits?.dataSync() as Float32Array,
      gradients: variables.map((v) => grads[v.name]),
    };
  } finally {
    tf.dispose({ logits, ...frozen });
  }
}

function readAndDispose(tensor: tf.Tensor): Float32Array {
  const values = tensor.dataSync() as Float32Array;
  tensor.dispose();
  return values;
}

/** The features that need no gradient: given ones, and those of frozen backbones. */
function frozenFeatures(run: Run): { vision?: tf.Tensor2D; text?: tf.Tensor2D } {
  const { architecture } = run.state;
  const { size, features = {} } = run.input;
  const frozen = run.step.freeze ?? nothingFrozen;
  const image = features.vision
    ? featureTensor(features.vision, size, architecture.vision.headChannels)
    : frozen.vision && vision(run); // [B, V]
  const words = features.text
    ? featureTensor(features.text, size, architecture.text.hiddenSize)
    : frozen.text && text(run); // [B, T]
  return { ...(image && { vision: image }), ...(words && { text: words }) };
}

const vision = (run: Run) => passVision(run.state, backbonePass(run, 'vision'), imageTensor(run.input)); // [B, V]
const text = (run: Run) => passText(run.state, backbonePass(run, 'text'), tokenTensors(run.state, run.input)); // [B, T]

function headPass({ state, step }: Run): Pass {
  return openPass(state, { training: step.training ?? true, seed: step.seed });
}

function backbonePass(run: Run, backbone: keyof Freeze): Pass {
  const isKept = (run.step.freeze?.[backbone] ?? false) && (run.step.frozenBatchNorm ?? 'keep') === 'keep';
  const moveStatistic = (name: string, value: tf.Tensor) => run.moved.set(name, value);
  return { ...headPass(run), training: (run.step.training ?? true) && !isKept, moveStatistic };
}

function applyStatistics(state: ModelState, moved: Moved): void {
  for (const [name, value] of moved) {
    state.buffers.get(name)?.assign(value);
    const counter = name.replace(/running_mean$/, 'num_batches_tracked');
    const count = state.batchesTracked.get(counter);
    if (count !== undefined) state.batchesTracked.set(counter, count + 1);
  }
}
