import { CrosscheckError } from '@crosscheck/contract';
import { attribute, executeKernel, executeKernels, tf } from '@crosscheck/tensorflow';
import { variableNamed } from '../state.ts';
import { createSlot, type Slot } from './slot.ts';

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
  /** Changes the variables that have a gradient. Moments are kept by name, so the list may change from step to step. */
  step(variables: Variables, gradients: ReadonlyMap<string, tf.Tensor>, step: AdamStep): AdamResult;
  state(): OptimizerState;
  /** The state piece by piece, to be read before the next step: a large network's moments need not be in memory twice. */
  moments(): VariableMoments[];
  restore(state: OptimizerState, variables: Variables): void;
  dispose(): void;
}

/** Adam's memory of one variable. */
interface Moments {
  steps: number;
  /** Elements. */
  size: number;
  /** Receives the variable's value, is changed in place, and is read back. */
  weight: Slot;
  first: Slot;
  second: Slot;
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

function createOptimizer(options: AdamOptions, isDecoupled: boolean): Optimizer {
  const moments = new Map<string, Moments>();
  const momentsOf = (name: string, variable: tf.Variable) => {
    const known = moments.get(name) ?? createMoments(variable.shape);
    moments.set(name, known);
    return known;
  };
  return {
    step(variables, gradients, step) {
      const gradientNorm = globalNorm([...gradients.values()]);
      if (!Number.isFinite(gradientNorm)) return { gradientNorm, applied: false };
      const scale = clipScale(gradientNorm, step.clipNorm);
      for (const [name, gradient] of gradients) {
        const variable = variableNamed(variables, name);
        const hyper = hyperparameters(options, step, name);
        const update = { variable, gradient, scale, moments: momentsOf(name, variable) };
        tf.tidy(() => applyAdam(update, hyper, isDecoupled));
      }
      return { gradientNorm, applied: true };
    },
    state: () => readState(moments),
    moments: () => [...moments].map(([name, known]) => momentsReader(name, known)),
    restore(state, variables) {
      disposeMoments(moments);
      for (const [name, steps] of Object.entries(state.steps)) {
        const variable = variableNamed(variables, name);
        const restored = momentsOf(name, variable);
        restored.steps = steps;
        assignArray(name, restored.first, state.firstMoments.get(name), variable);
        assignArray(name, restored.second, state.secondMoments.get(name), variable);
      }
    },
    dispose: () => disposeMoments(moments),
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

interface Update {
  variable: tf.Variable;
  gradient: tf.Tensor;
  /** Factor on the gradient. */
  scale: number;
  moments: Moments;
}

/**
 * One variable's step. The corrections of both moments, 1 − β^t, go into the learning rate and into epsilon in float64:
 * the kernel would compute them in float32, where 1 − 0.999 has an error of 3e-5.
 */
function applyAdam({ variable, gradient, scale, moments }: Update, hyper: Hyperparameters, isDecoupled: boolean): void {
  const { learningRate, beta1, beta2, epsilon, weightDecay } = hyper;
  const clipped = scale === 1 ? gradient : tf.mul(gradient, scale);
  const penalised = isDecoupled || weightDecay === 0 ? clipped : tf.add(clipped, tf.mul(variable, weightDecay));
  moments.steps += 1;
  moments.weight.assign(isDecoupled && weightDecay !== 0 ? tf.mul(variable, 1 - learningRate * weightDecay) : variable);
  const correction2 = Math.sqrt(1 - beta2 ** moments.steps);
  const rate = (learningRate * correction2) / (1 - beta1 ** moments.steps);
  const uncorrected = 0; // the kernel divides by 1 − this
  const numbers = [uncorrected, uncorrected, rate, beta1, beta2, epsilon * correction2].map((x) =>
    tf.scalar(x, 'float32'),
  );
  const slots = [moments.weight.handle, moments.first.handle, moments.second.handle];
  executeKernels('ResourceApplyAdam', [attribute.bool('use_locking', false)], [...slots, ...numbers, penalised], 0);
  variable.assign(moments.weight.read());
}

/** ‖g‖₂ over all gradients at once. */
function globalNorm(gradients: tf.Tensor[]): number {
  if (gradients.length === 0) return 0;
  const halfSquares = (gradient: tf.Tensor) => executeKernel('L2Loss', [], [gradient]);
  const sums = tf.tidy(() => tf.stack(gradients.map(halfSquares)).dataSync()) as Float32Array;
  return Math.sqrt(2 * sums.reduce((sum, x) => sum + x, 0));
}

/** As torch.nn.utils.clip_grad_norm_, with its 1e-6. */
function clipScale(norm: number, clipNorm: number | undefined): number {
  return clipNorm === undefined ? 1 : Math.min(1, clipNorm / (norm + 1e-6));
}

function createMoments(shape: readonly number[]): Moments {
  const zeros = () => {
    const slot = createSlot(shape);
    tf.tidy(() => slot.assign(tf.zeros([...shape])));
    return slot;
  };
  return {
    steps: 0,
    size: tf.util.sizeFromShape([...shape]),
    weight: createSlot(shape),
    first: zeros(),
    second: zeros(),
  };
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

function momentsReader(name: string, { steps, size, first, second }: Moments): VariableMoments {
  // Not in a tidy: that looks for tensors in what it returns, number by number.
  const read = (slot: Slot) => {
    const tensor = slot.read();
    const array = tensor.dataSync() as Float32Array;
    tensor.dispose();
    return array;
  };
  return { name, steps, size, readFirst: () => read(first), readSecond: () => read(second) };
}

function readState(moments: ReadonlyMap<string, Moments>): OptimizerState {
  const readers = [...moments].map(([name, known]) => momentsReader(name, known));
  return {
    steps: Object.fromEntries(readers.map(({ name, steps }) => [name, steps])),
    firstMoments: new Map(readers.map(({ name, readFirst }) => [name, readFirst().slice()])),
    secondMoments: new Map(readers.map(({ name, readSecond }) => [name, readSecond().slice()])),
  };
}

function disposeMoments(moments: Map<string, Moments>): void {
  for (const { weight, first, second } of moments.values()) for (const slot of [weight, first, second]) slot.dispose();
  moments.clear();
}
