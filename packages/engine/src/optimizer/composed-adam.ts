// Adam of TensorFlow's own kernels, on any device: one variable after the other.
import { type Attribute, attribute, executeKernel, executeKernels, tf } from '@crosscheck/tensorflow';
import type { AdamKernels, Memory, Slot, Update } from './adam-kernels.ts';

const float = attribute.type('dtype', 1); // DT_FLOAT

/** Tells TensorFlow that the resource has no name and lives as long as its handle (ResourceHandle::ANONYMOUS_NAME). */
const anonymous = 'cd2c89b7-88b7-44c8-ad83-06c2a9158347';

/** A tensor that kernels change in place. tfjs's own variables cannot be changed: they are replaced. */
interface ResourceSlot extends Slot {
  readonly handle: tf.Tensor;
}

function createSlot(shape: readonly number[]): ResourceSlot {
  const attributes: Attribute[] = [
    float,
    attribute.shape('shape', [...shape]),
    attribute.string('shared_name', anonymous),
    attribute.string('container', ''),
  ];
  const handle = tf.keep(executeKernel('VarHandleOp', attributes, []));
  return {
    handle,
    assign: (value) => void executeKernels('AssignVariableOp', [float], [handle, value], 0),
    read: () => executeKernel('ReadVariableOp', [float], [handle]),
    dispose: () => {
      executeKernels('DestroyResourceOp', [], [handle], 0);
      handle.dispose();
    },
  };
}

interface ResourceMemory extends Memory {
  /** Receives the variable's value, is changed in place, and is read back. */
  weight: ResourceSlot;
  first: ResourceSlot;
  second: ResourceSlot;
}

function createMemory(shape: readonly number[]): ResourceMemory {
  const zeros = () => {
    const slot = createSlot(shape);
    tf.tidy(() => slot.assign(tf.fill([...shape], 0)));
    return slot;
  };
  const [weight, first, second] = [createSlot(shape), zeros(), zeros()];
  const dispose = () => {
    for (const slot of [weight, first, second]) slot.dispose();
  };
  return { weight, first, second, dispose };
}

type Scalars = (x: number) => tf.Scalar;

function updateOne({ variable, gradient, memory, numbers }: Update<ResourceMemory>, scalar: Scalars): void {
  const { weight, first, second } = memory;
  const { scale, penalty, decay, rate, beta1, beta2, epsilon } = numbers;
  const clipped = scale === 1 ? gradient : tf.mul(gradient, scalar(scale));
  const penalised = penalty === 0 ? clipped : tf.add(clipped, tf.mul(variable, scalar(penalty)));
  weight.assign(decay === 1 ? variable : tf.mul(variable, scalar(decay)));
  const uncorrected = 0; // the kernel divides by 1 − this
  const scalars = [uncorrected, uncorrected, rate, beta1, beta2, epsilon].map(scalar);
  const inputs = [weight.handle, first.handle, second.handle, ...scalars, penalised];
  executeKernels('ResourceApplyAdam', [attribute.bool('use_locking', false)], inputs, 0);
  variable.assign(weight.read());
}

/** Each number becomes a tensor once: most variables share theirs, and every tensor costs a GPU a copy. */
function withScalars(body: (scalar: Scalars) => void): void {
  const made = new Map<number, tf.Scalar>();
  body((x) => {
    const scalar = made.get(x) ?? tf.keep(tf.scalar(x, 'float32'));
    made.set(x, scalar);
    return scalar;
  });
  tf.dispose([...made.values()]);
}

export const composedAdam: AdamKernels<ResourceMemory> = {
  globalNorm(tensors) {
    const halfSquares = (x: tf.Tensor) => executeKernel('L2Loss', [], [x]);
    const sums = tf.tidy(() => tf.stack(tensors.map(halfSquares)).dataSync()) as Float32Array;
    return Math.sqrt(2 * sums.reduce((sum, x) => sum + x, 0));
  },
  createMemory,
  settle: () => undefined,
  update(updates) {
    withScalars((scalar) => {
      for (const update of updates) tf.tidy(() => updateOne(update, scalar));
    });
  },
};
