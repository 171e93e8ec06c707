import { type Architecture, CrosscheckError } from '@crosscheck/contract';
import { type NamedTensor, parameterNames } from '@crosscheck/network';
import { tf } from '@crosscheck/tensorflow';
import { initialValue } from './initialise.ts';
import type { Pass } from './layers/pass.ts';

/** Probabilities of dropping; all of them act in training only. */
export interface DropoutRates {
  /** After the first fusion layer; half of it after the second. */
  fusion: number;
  /** Inside both projections. */
  projection: number;
  /** DistilBERT's embeddings and feed-forward outputs. */
  text: number;
  /** DistilBERT's attention weights. */
  attention: number;
  /** EfficientNet's last residual branch; earlier ones get proportionally less. */
  stochasticDepth: number;
}

export interface ModelOptions {
  architecture: Architecture;
  dropout: DropoutRates;
  /** PyTorch's meaning: running = (1 − momentum) · running + momentum · batch. */
  batchNormMomentum: number;
  /** Fixes the initial weights. */
  seed: number;
  /**
   * What computes gradients and predictions. `fast` (default) is layers with their own way back; `plain` is tfjs's operations and its
   * tape, which give the same numbers within rounding and need several times the memory: the oracle of the tests.
   */
  engine?: 'plain' | 'fast';
}

/** The rates of the original: DistilBERT's and EfficientNet-B0's published ones, and 0.3 in the heads. */
export const defaultDropout: DropoutRates = {
  fusion: 0.3,
  projection: 0.3,
  text: 0.1,
  attention: 0.1,
  stochasticDepth: 0.2,
};

/** Everything a model holds, under the names of its checkpoint. */
export interface ModelState extends ModelOptions {
  /** Every tensor of the checkpoint, in its order. */
  readonly tensors: ReadonlyMap<string, NamedTensor>;
  /** Parameters, in the layout that TensorFlow computes in. */
  readonly variables: ReadonlyMap<string, tf.Variable>;
  /** Running means and variances of batch norm. */
  readonly buffers: ReadonlyMap<string, tf.Variable>;
  /** `num_batches_tracked` of every batch norm. */
  readonly batchesTracked: Map<string, number>;
}

export function createState(options: ModelOptions): ModelState {
  const named = parameterNames(options.architecture);
  const tensors = new Map(named.map((tensor) => [tensor.name, tensor]));
  const hold = (kind: NamedTensor['kind']) =>
    new Map(
      named
        .filter((tensor) => tensor.kind === kind && tensor.dtype === 'F32')
        .map((tensor) => [tensor.name, holdInitial(tensor, options.seed, tensors)]),
    );
  return {
    ...options,
    tensors,
    variables: hold('parameter'),
    buffers: hold('buffer'),
    batchesTracked: new Map(named.filter(({ dtype }) => dtype === 'I64').map(({ name }) => [name, 0])),
  };
}

function holdInitial(tensor: NamedTensor, seed: number, tensors: ReadonlyMap<string, NamedTensor>): tf.Variable {
  const initial = initialValue(tensor, seed, tensors);
  const variable = tf.variable(initial, tensor.kind === 'parameter');
  initial.dispose();
  return variable;
}

/** Opens a pass over the state's own weights: evaluation, unless told otherwise. */
export function openPass(state: ModelState, changes: Partial<Pass> = {}): Pass {
  return {
    weight: (name) => (state.variables.get(name) ?? state.buffers.get(name)) as tf.Variable,
    training: false,
    seed: 0,
    batchNormMomentum: state.batchNormMomentum,
    moveStatistic: (_, value) => value.dispose(),
    observe: () => undefined,
    ...changes,
  };
}

export function disposeState(state: ModelState): void {
  for (const variable of [...state.variables.values(), ...state.buffers.values()]) variable.dispose();
}

/** @throws CROSSCHECK_MODEL_UNKNOWN_VARIABLE */
export function variableNamed(variables: ReadonlyMap<string, tf.Variable>, name: string): tf.Variable {
  const variable = variables.get(name);
  if (variable) return variable;
  throw new CrosscheckError(
    'CROSSCHECK_MODEL_UNKNOWN_VARIABLE',
    `expected the name of one of the model's ${variables.size} parameters, got "${name}"; trainableNames() lists them`,
  );
}
