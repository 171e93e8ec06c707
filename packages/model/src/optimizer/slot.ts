import { type Attribute, attribute, executeKernel, executeKernels, tf } from '@crosscheck/tensorflow';

const float = attribute.type('dtype', 1); // DT_FLOAT

/** Tells TensorFlow that the resource has no name and lives as long as its handle (ResourceHandle::ANONYMOUS_NAME). */
const anonymous = 'cd2c89b7-88b7-44c8-ad83-06c2a9158347';

/** A tensor that kernels change in place. tfjs's own variables cannot be changed: they are replaced. */
export interface Slot {
  readonly handle: tf.Tensor;
  assign(value: tf.Tensor): void;
  /** A tensor that shares the slot's memory until the slot is changed again. */
  read(): tf.Tensor;
  dispose(): void;
}

export function createSlot(shape: readonly number[]): Slot {
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
