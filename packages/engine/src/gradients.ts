import type { Batch } from '@crosscheck/contract';
import { type Freeze, isFrozen, nothingFrozen } from '@crosscheck/network';
import { tf } from '@crosscheck/tensorflow';
import type { PartialInput } from './input.ts';
import type { LossOptions } from './loss.ts';
import type { Pass } from './pass.ts';
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
  /**
   * What becomes of the running statistics that the pass has moved: `apply` (default) moves the model's when the loss is finite, `give` hands them
   * over with the gradients, for a step of several batches.
   */
  statistics?: 'apply' | 'give';
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
  /** Running statistics as this batch alone would move them, by name; none where they were applied. */
  statistics: ReadonlyMap<string, tf.Tensor>;
  dispose(): void;
}

/** A batch, or as much of it as is needed when features of frozen backbones are given. */
export type TrainingInput = PartialInput & Pick<Batch, 'label'>;

/** Running statistics of one step by name, not yet applied. */
type Moved = Map<string, tf.Tensor>;

/** One step of training as engines see it. */
export interface StepRun {
  state: ModelState;
  step: GradientStep;
  moved: Moved;
}

export const isBackboneFrozen = ({ step }: StepRun, backbone: keyof Freeze): boolean =>
  step.freeze?.[backbone] ?? false;

/** Names of the variables that learn, in checkpoint order. */
export function trainableNames(state: Pick<ModelState, 'variables'>, freeze: Freeze): string[] {
  return [...state.variables.keys()].filter((name) => !isFrozen(name, freeze));
}

/** Those of a step. @throws CROSSCHECK_MODEL_UNKNOWN_VARIABLE */
export function learningNames(state: Pick<ModelState, 'variables'>, step: GradientStep): readonly string[] {
  const names = step.trainable ?? trainableNames(state, step.freeze ?? nothingFrozen);
  for (const name of names) variableNamed(state.variables, name);
  return names;
}

export function headPass({ state, step }: StepRun): Pass {
  return openPass(state, { training: step.training ?? true, seed: step.seed });
}

export function backbonePass(run: StepRun, backbone: keyof Freeze): Pass {
  const isKept = isBackboneFrozen(run, backbone) && (run.step.frozenBatchNorm ?? 'keep') === 'keep';
  const moveStatistic = (name: string, value: tf.Tensor) => run.moved.set(name, value);
  return { ...headPass(run), training: (run.step.training ?? true) && !isKept, moveStatistic };
}

/** Moves the running statistics, once for each step. The tensors stay the caller's. */
export function moveStatistics(
  state: Pick<ModelState, 'buffers' | 'batchesTracked'>,
  moved: ReadonlyMap<string, tf.Tensor>,
): void {
  for (const [name, value] of moved) {
    state.buffers.get(name)?.assign(value);
    const counter = name.replace(/running_mean$/, 'num_batches_tracked');
    const count = state.batchesTracked.get(counter);
    if (count !== undefined) state.batchesTracked.set(counter, count + 1);
  }
}

/**
 * Runs a step and settles what it has moved: applied when the loss is finite, or given back. Nothing of it is left behind otherwise.
 *
 * @param differentiate gives gradients by name, whose order does not matter
 */
export function settleStep(
  { state, step }: Omit<StepRun, 'moved'>,
  differentiate: (moved: Moved, names: readonly string[]) => Differentiated,
): Gradients {
  const moved: Moved = new Map();
  const names = learningNames(state, step);
  const isGiven = step.statistics === 'give';
  let isDone = false;
  try {
    const { loss, logits, gradients: all } = differentiate(moved, names);
    const gradients = new Map(names.flatMap((name) => pairOf(all, name)));
    if (!isGiven && Number.isFinite(loss)) moveStatistics(state, moved);
    isDone = true;
    const statistics: Moved = isGiven ? moved : new Map();
    const dispose = () => tf.dispose([...gradients.values(), ...statistics.values()]);
    return { loss, logits, gradients, statistics, dispose };
  } finally {
    if (!isGiven || !isDone) tf.dispose([...moved.values()]);
  }
}

/** What an engine makes of a batch. */
export type Differentiated = Pick<Gradients, 'loss' | 'logits' | 'gradients'>;

function pairOf(gradients: ReadonlyMap<string, tf.Tensor>, name: string): [string, tf.Tensor][] {
  const gradient = gradients.get(name);
  return gradient ? [[name, gradient]] : [];
}
