import type { Batch } from '@crosscheck/contract';
import { type Freeze, isFrozen, nothingFrozen } from '@crosscheck/network';
import { tf } from '@crosscheck/tensorflow';
import {
  checkFeatures,
  type Features,
  featureTensor,
  imageTensor,
  labelTensor,
  type PartialInput,
  passFusion,
  passPicture,
  passWords,
  tokenTensors,
} from './encode.ts';
import type { Pass } from './layers/pass.ts';
import { binaryCrossEntropy, type LossOptions } from './loss.ts';
import { type Presence, presenceOf } from './presence.ts';
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
  /** Large matrix products in bfloat16, by the fast engine alone: faster, and no longer equal to float32. Off by default. */
  mixedPrecision?: boolean;
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
export type Moved = Map<string, tf.Tensor>;

/**
 * Loss, logits and gradients of one batch. Frozen backbones run first and outside the tape, so nothing of them stays in memory;
 * features that are given replace them. Running statistics move once, and only when the loss is finite.
 */
export function computeGradients(state: ModelState, input: TrainingInput, step: GradientStep): Gradients {
  const moved: Moved = new Map();
  const names = step.trainable ?? trainableNames(state, step.freeze ?? nothingFrozen);
  const variables = names.map((name) => variableNamed(state.variables, name));
  try {
    const { loss, logits, gradients } = differentiate({ state, step, moved }, input, variables);
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

export interface Run {
  state: ModelState;
  step: GradientStep;
  moved: Moved;
}

/** Everything is checked and copied before the tape starts: an error while it runs would leave its tensors behind. */
interface Tensors {
  labels: tf.Tensor2D;
  vision: Vision;
  text: Text;
  presence: Presence;
}

/** Features as the fusion looks at them, or the picture that they are to be made of. */
type Vision = { features: tf.Tensor } | { image: tf.Tensor4D };

/** The same for words; the mask stays beside features that are those of tokens. */
type Text = { features: tf.Tensor; mask?: tf.Tensor2D } | { tokens: [ids: tf.Tensor2D, mask: tf.Tensor2D] };

function openTensors(state: ModelState, input: TrainingInput): Tensors {
  const { architecture } = state;
  const { size, label, features = {} } = input;
  checkFeatures(state, features);
  const given = (part: Float32Array, width: number) => ({ features: featureTensor(part, size, width) });
  return {
    presence: presenceOf(architecture, input),
    labels: labelTensor(label, size),
    vision: features.vision ? given(features.vision, architecture.vision.headChannels) : { image: imageTensor(input) },
    text: features.text
      ? given(features.text, architecture.text.hiddenSize)
      : { tokens: tokenTensors(architecture, input) },
  };
}

interface Differentiated {
  loss: number;
  logits: Float32Array;
  gradients: (tf.Tensor | undefined)[];
}

function differentiate(run: Run, input: TrainingInput, variables: tf.Variable[]): Differentiated {
  const { vision: isVisionFrozen, text: isTextFrozen } = run.step.freeze ?? nothingFrozen;
  let logits: tf.Tensor2D | undefined;
  let loss = Number.NaN;
  try {
    const gradients = tf.tidy(() => {
      const { labels, presence, ...inputs } = openTensors(run.state, input);
      const frozenVision = isVisionFrozen ? encodePicture(run, inputs.vision) : inputs.vision;
      const frozenText = isTextFrozen ? encodeWords(run, inputs.text) : inputs.text;
      const { value, grads } = tf.variableGrads(() => {
        const { features: vision } = encodePicture(run, frozenVision);
        const { features: text, ...mask } = encodeWords(run, frozenText);
        logits = tf.keep(passFusion(run.state, headPass(run), { vision, text, ...mask, presence })); // [B, 1]
        return binaryCrossEntropy(logits, labels, run.step);
      }, variables);
      loss = value.dataSync()[0] as number;
      return variables.map(({ name }) => grads[name]) as tf.Tensor[];
    });
    return { loss, logits: logits?.dataSync() as Float32Array, gradients };
  } finally {
    logits?.dispose();
  }
}

/** Features stay as they are, a picture becomes features. */
function encodePicture(run: Run, vision: Vision): Extract<Vision, { features: tf.Tensor }> {
  if ('features' in vision) return vision;
  return { features: passPicture(run.state, backbonePass(run, 'vision'), vision.image) };
}

/** Features stay as they are, tokens become features. */
function encodeWords(run: Run, text: Text): Extract<Text, { features: tf.Tensor }> {
  if ('features' in text) return text;
  return { features: passWords(run.state, backbonePass(run, 'text'), text.tokens), mask: text.tokens[1] };
}

export function headPass({ state, step }: Run): Pass {
  return openPass(state, { training: step.training ?? true, seed: step.seed });
}

export function backbonePass(run: Run, backbone: keyof Freeze): Pass {
  const isKept = (run.step.freeze?.[backbone] ?? false) && (run.step.frozenBatchNorm ?? 'keep') === 'keep';
  const moveStatistic = (name: string, value: tf.Tensor) => run.moved.set(name, value);
  return { ...headPass(run), training: (run.step.training ?? true) && !isKept, moveStatistic };
}

export function applyStatistics(state: ModelState, moved: Moved): void {
  for (const [name, value] of moved) {
    state.buffers.get(name)?.assign(value);
    const counter = name.replace(/running_mean$/, 'num_batches_tracked');
    const count = state.batchesTracked.get(counter);
    if (count !== undefined) state.batchesTracked.set(counter, count + 1);
  }
}
