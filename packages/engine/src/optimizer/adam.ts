import { CrosscheckError } from '@crosscheck/contract';
import { hasOwnKernels, tf } from '@crosscheck/tensorflow';
import { variableNamed } from '../state.ts';
import type { AdamKernels, Memory, Slot, UpdateNumbers } from './adam-kernels.ts';
import { composedAdam } from './composed-adam.ts';
import { ownAdam } from './own-adam.ts';

export interface AdamOptions {
  /** Pulls weights towards 0: AdamW's factor, times the learning rate; for `adam` the factor of the L2 penalty. */
  weightDecay: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  /** Factor on the learning rate of a variable; 1 by default. */
  learningRateScale?: (name: string) => number;
  /** Whether weight decay acts on a variable; on all by default, as in PyTorch. */
  decays?: (name: string) => boolean;
}

export interface AdamStep {
  learningRate: number;
  /** Instead of the options' beta1, for schedules that cycle it. */
  beta1?: number;
  /** Factor that makes gradients of what is given, which may be sums over samples; 1 by default. */
  gradientScale?: number;
  /** Largest global norm of the gradients; larger ones are scaled down to it. */
  clipNorm?: number;
}

export interface AdamResult {
  /** Global norm of the gradients, before clipping. */
  gradientNorm: number;
  /** False when the norm is not finite: then nothing was changed. */
  applied: boolean;
}

/** What makes a later step equal to one without an interruption. Arrays are in the variables' own layout. */
export interface OptimizerState {
  /** Steps that each variable has made. */
  steps: Record<string, number>;
  firstMoments: Map<string, Float32Array>;
  secondMoments: Map<string, Float32Array>;
}

/** The moments of one variable, read when they are asked for; the same as in `OptimizerState`. */
export interface VariableMoments {
  name: string;
  /** Steps that the variable has made. */
  steps: number;
  /** Elements of each moment. */
  size: number;
  readFirst: () => Float32Array;
  readSecond: () => Float32Array;
}

type Variables = ReadonlyMap<string, tf.Variable>;

export interface Optimizer {
  /**
   * Makes room for what these variables will need, before a first step does: side by side, not in the gaps that the step's own tensors leave,
   * where it keeps their memory in pieces for the rest of the training.
   */
  prepare(variables: Variables, names: Iterable<string>): void;
  /** Changes the variables that have a gradient. Moments are kept by name, so the list may change from step to step. */
  step(variables: Variables, gradients: ReadonlyMap<string, tf.Tensor>, step: AdamStep): AdamResult;
  state(): OptimizerState;
  /** The state piece by piece, to be read before the next step: a large network's moments need not be in memory twice. */
  moments(): VariableMoments[];
  restore(state: OptimizerState, variables: Variables): void;
  dispose(): void;
}

/** Published defaults (Kingma and Ba 2015), with PyTorch's weight decay for AdamW. */
export const adamDefaults = { weightDecay: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } as const;

/** AdamW: weight decay apart from the gradient (Loshchilov and Hutter 2019), step for step as torch.optim.AdamW. */
export function createAdamW(options: Partial<AdamOptions> = {}): Optimizer {
  return createOptimizer({ ...adamDefaults, ...options }, true);
}

/** Adam with an L2 penalty in the gradient, step for step as torch.optim.Adam; no decay by default. */
export function createAdam(options: Partial<AdamOptions> = {}): Optimizer {
  return createOptimizer({ ...adamDefaults, weightDecay: 0, ...options }, false);
}

interface Known {
  /** That the variable has made. */
  steps: number;
  /** Elements. */
  size: number;
  memory: Memory;
}

/** Only tests choose the kernels. */
export function createOptimizer(
  options: AdamOptions,
  isDecoupled: boolean,
  kernels: AdamKernels = hasOwnKernels ? ownAdam : composedAdam,
): Optimizer {
  const variablesKnown = new Map<string, Known>();
  const knownOf = (name: string, { shape, size }: tf.Variable) => {
    const known = variablesKnown.get(name) ?? { steps: 0, size, memory: kernels.createMemory(shape) };
    variablesKnown.set(name, known);
    return known;
  };
  return {
    prepare(variables, names) {
      const learning = Array.from(names, (name) => [name, variableNamed(variables, name)] as const);
      for (const [, variable] of learning) kernels.settle(variable);
      for (const [name, variable] of learning) knownOf(name, variable);
    },
    step(variables, gradients, step) {
      for (const name of gradients.keys()) variableNamed(variables, name);
      const { gradientScale = 1, clipNorm } = step;
      const gradientNorm = gradients.size === 0 ? 0 : gradientScale * kernels.globalNorm([...gradients.values()]);
      if (!Number.isFinite(gradientNorm)) return { gradientNorm, applied: false };
      const scale = gradientScale * clipScale(gradientNorm, clipNorm);
      const updates = [...gradients].map(([name, gradient]) => {
        const variable = variableNamed(variables, name);
        const known = knownOf(name, variable);
        known.steps += 1;
        const numbers = { scale, ...stepNumbers(hyperparameters(options, step, name), known.steps, isDecoupled) };
        return { variable, gradient, memory: known.memory, numbers };
      });
      if (updates.length > 0) kernels.update(updates);
      return { gradientNorm, applied: true };
    },
    state: () => readState(variablesKnown),
    moments: () => momentsOf(variablesKnown),
    restore(state, variables) {
      forget(variablesKnown);
      for (const [name, steps] of Object.entries(state.steps)) {
        const variable = variableNamed(variables, name);
        const known = knownOf(name, variable);
        known.steps = steps;
        assignArray(name, known.memory.first, state.firstMoments.get(name), variable);
        assignArray(name, known.memory.second, state.secondMoments.get(name), variable);
      }
    },
    dispose: () => forget(variablesKnown),
  };
}

interface Hyperparameters {
  learningRate: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  weightDecay: number;
}

function hyperparameters(options: AdamOptions, step: AdamStep, name: string): Hyperparameters {
  return {
    learningRate: step.learningRate * (options.learningRateScale?.(name) ?? 1),
    beta1: step.beta1 ?? options.beta1,
    beta2: options.beta2,
    epsilon: options.epsilon,
    weightDecay: (options.decays?.(name) ?? true) ? options.weightDecay : 0,
  };
}

/**
 * One variable's step of that number, from 1. The corrections of both moments, 1 − β^t, go into the learning rate and into epsilon
 * in float64: in float32 1 − 0.999 has an error of 3e-5.
 */
function stepNumbers(hyper: Hyperparameters, t: number, isDecoupled: boolean): Omit<UpdateNumbers, 'scale'> {
  const { learningRate, beta1, beta2, epsilon, weightDecay } = hyper;
  const correction2 = Math.sqrt(1 - beta2 ** t);
  return {
    penalty: isDecoupled ? 0 : weightDecay,
    decay: isDecoupled ? 1 - learningRate * weightDecay : 1,
    beta1,
    beta2,
    rate: (learningRate * correction2) / (1 - beta1 ** t),
    epsilon: epsilon * correction2,
  };
}

/** As torch.nn.utils.clip_grad_norm_, with its 1e-6. */
function clipScale(norm: number, clipNorm: number | undefined): number {
  return clipNorm === undefined ? 1 : Math.min(1, clipNorm / (norm + 1e-6));
}

/** @throws CROSSCHECK_MODEL_OPTIMIZER_STATE */
function assignArray(name: string, slot: Slot, array: Float32Array | undefined, { shape, size }: tf.Variable): void {
  if (array?.length !== size) {
    throw new CrosscheckError(
      'CROSSCHECK_MODEL_OPTIMIZER_STATE',
      `expected moments of ${size} elements for "${name}", got ${array?.length ?? 'none'}; resume with the architecture that wrote them`,
    );
  }
  // The product is TensorFlow's own memory; the slot would change the array itself otherwise.
  tf.tidy(() => slot.assign(tf.mul(tf.tensor(array, shape), 1)));
}

function momentsReader(name: string, { steps, size, memory }: Known): VariableMoments {
  // Not in a tidy: that looks for tensors in what it returns, number by number.
  const read = (slot: Slot) => {
    const tensor = slot.read();
    const array = tensor.dataSync() as Float32Array;
    tensor.dispose();
    return array;
  };
  return { name, steps, size, readFirst: () => read(memory.first), readSecond: () => read(memory.second) };
}

/** Of the variables that have made a step: what has only been prepared is no part of the state. */
const momentsOf = (variablesKnown: ReadonlyMap<string, Known>): VariableMoments[] =>
  [...variablesKnown].filter(([, { steps }]) => steps > 0).map(([name, known]) => momentsReader(name, known));

function readState(variablesKnown: ReadonlyMap<string, Known>): OptimizerState {
  const readers = momentsOf(variablesKnown);
  return {
    steps: Object.fromEntries(readers.map(({ name, steps }) => [name, steps])),
    firstMoments: new Map(readers.map(({ name, readFirst }) => [name, readFirst().slice()])),
    secondMoments: new Map(readers.map(({ name, readSecond }) => [name, readSecond().slice()])),
  };
}

function forget(variablesKnown: Map<string, Known>): void {
  for (const { memory } of variablesKnown.values()) memory.dispose();
  variablesKnown.clear();
}
