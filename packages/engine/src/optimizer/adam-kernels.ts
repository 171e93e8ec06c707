import type { tf } from '@crosscheck/tensorflow';

/** A tensor that an optimizer keeps from step to step. */
export interface Slot {
  /** Takes over the values, not the memory. */
  assign(value: tf.Tensor): void;
  /** Valid until the slot changes again. */
  read(): tf.Tensor;
  dispose(): void;
}

/** Adam's memory of one variable. */
export interface Memory {
  first: Slot;
  second: Slot;
  dispose(): void;
}

/**
 * One variable's step, as numbers: g ← scale · gradient + penalty · w, m ← β₁ · m + (1 − β₁) · g, v ← β₂ · v + (1 − β₂) · g²,
 * w ← decay · w − rate · m / (√v + ε).
 */
export interface UpdateNumbers {
  scale: number;
  penalty: number;
  decay: number;
  beta1: number;
  beta2: number;
  rate: number;
  epsilon: number;
}

export interface Update<M extends Memory = Memory> {
  variable: tf.Variable;
  gradient: tf.Tensor;
  memory: M;
  numbers: UpdateNumbers;
}

/** The arithmetic of Adam, in one of its implementations. */
export interface AdamKernels<M extends Memory = Memory> {
  /** ‖g‖₂ over all tensors at once; at least one. */
  globalNorm(tensors: tf.Tensor[]): number;
  /** Zeros. */
  createMemory(shape: readonly number[]): M;
  /** Brings a variable to where `update` can change it. */
  settle(variable: tf.Variable): void;
  /** Changes variables and memories. Clones of a variable keep their values. */
  update(updates: Update<M>[]): void;
}
