import { type Architecture, CrosscheckError } from '@crosscheck/contract';
import { type DropoutRates, type Parameter, parameterNames } from '@crosscheck/network';
import { tf } from '@crosscheck/tensorflow';
import { initialValue } from './initialise.ts';
import type { Pass } from './pass.ts';

export interface ModelOptions {
  architecture: Architecture;
  dropout: DropoutRates;
  /** PyTorch's meaning: running = (1 − momentum) · running + momentum · batch. */
  batchNormMomentum: number;
  /** Fixes the initial weights. */
  seed: number;
  /**
   * What computes gradients and predictions. `fast` (default) runs the layers' own gradients; `oracle` has tfjs's tape differentiate tfjs's
   * operations, which gives the same numbers within rounding and needs several times the memory: what the tests believe.
   */
  engine?: 'oracle' | 'fast';
}

/** Everything a model holds, under the names of its checkpoint. */
export interface ModelState extends ModelOptions {
  /** Every tensor of the checkpoint, in its order. */
  readonly tensors: ReadonlyMap<string, Parameter>;
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
  const hold = (kind: Parameter['kind']) =>
    new Map(
      named
        .filter((tensor) => tensor.kind === kind && tensor.dtype === 'F32')
        .map((tensor) => [tensor.name, holdInitial(tensor, options.seed)]),
    );
  return {
    ...options,
    tensors,
    variables: hold('parameter'),
    buffers: hold('buffer'),
    batchesTracked: new Map(named.filter(({ dtype }) => dtype === 'I64').map(({ name }) => [name, 0])),
  };
}

function holdInitial(tensor: Parameter, seed: number): tf.Variable {
  const initial = initialValue(tensor, seed);
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
