// Adam of packages/tensorflow/native: all variables in one pass over the memory.
import { attribute, executeKernel, executeKernels, isShared, tf } from '@crosscheck/tensorflow';
import type { AdamKernels, Memory, Slot, Update } from './adam-kernels.ts';

interface TensorSlot extends Slot {
  /** Nobody else's: it is changed in place. */
  tensor: tf.Tensor;
}

interface TensorMemory extends Memory {
  first: TensorSlot;
  second: TensorSlot;
}

/** The values in memory of TensorFlow's own; those of tensors made from arrays are JavaScript's. */
const copyOf = (x: tf.Tensor) => tf.mul(x, 1);

function createSlot(shape: readonly number[]): TensorSlot {
  const slot: TensorSlot = {
    tensor: tf.keep(tf.fill([...shape], 0)),
    assign: (value) => {
      slot.tensor.dispose();
      slot.tensor = tf.keep(copyOf(value));
    },
    read: () => slot.tensor.clone(),
    dispose: () => slot.tensor.dispose(),
  };
  return slot;
}

function createMemory(shape: readonly number[]): TensorMemory {
  const [first, second] = [createSlot(shape), createSlot(shape)];
  const dispose = () => {
    for (const slot of [first, second]) slot.dispose();
  };
  return { first, second, dispose };
}

/** Data of variables that may be changed in place. */
const changeable = new WeakSet<object>();

function settle(variable: tf.Variable): void {
  if (changeable.has(variable.dataId) && !isShared(variable)) return;
  const copy = copyOf(variable);
  variable.assign(copy);
  copy.dispose();
  changeable.add(variable.dataId);
}

/** A row of the kernel's numbers. */
const rowOf = ({ numbers }: Update): number[] => {
  const { scale, penalty, decay, beta1, beta2, rate, epsilon } = numbers;
  return [scale, penalty, decay, beta1, 1 - beta1, beta2, 1 - beta2, rate, epsilon];
};

export const ownAdam: AdamKernels<TensorMemory> = {
  globalNorm(tensors) {
    const norm = executeKernel('CrosscheckGlobalNorm', [attribute.int('N', tensors.length)], tensors);
    const [value = Number.NaN] = norm.dataSync();
    norm.dispose();
    return value;
  },
  createMemory,
  settle,
  update(updates) {
    for (const { variable } of updates) settle(variable);
    const numbers = tf.tensor2d(updates.map(rowOf)); // [N, 9]
    const inputs = [
      ...updates.map(({ variable }) => variable),
      ...updates.map(({ memory }) => memory.first.tensor),
      ...updates.map(({ memory }) => memory.second.tensor),
      ...updates.map(({ gradient }) => gradient),
      numbers,
    ];
    executeKernels('CrosscheckAdam', [attribute.int('N', updates.length)], inputs, 0);
    numbers.dispose();
  },
};
