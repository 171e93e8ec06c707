import * as tf from './tfjs.ts';

/** What the native addon offers; ids name tensors of TensorFlow's eager runtime. */
interface Binding {
  executeOp(name: string, attributes: Attribute[], inputs: number[], outputs: number): TensorMetadata[];
  deleteTensor(id: number): void;
  TF_ATTR_STRING: number;
  TF_ATTR_INT: number;
  TF_ATTR_FLOAT: number;
  TF_ATTR_BOOL: number;
  TF_ATTR_TYPE: number;
  TF_ATTR_SHAPE: number;
  isUsingGPUDevice?: boolean | (() => boolean);
}

export interface TensorMetadata {
  id: number;
  shape: number[];
  dtype: number;
}

interface NodeBackend {
  binding: Binding;
  getInputTensorIds(tensors: tf.Tensor[]): number[];
  createOutputTensor(metadata: TensorMetadata): tf.Tensor;
  isUsingGpuDevice: boolean;
  refCount(dataId: object): number;
  executeSingleOutput(name: string, attributes: Attribute[], inputs: tf.Tensor[]): tf.Tensor;
  executeMultipleOutputs(name: string, attributes: Attribute[], inputs: tf.Tensor[], outputs: number): tf.Tensor[];
}

export interface Attribute {
  name: string;
  type: number;
  value: unknown;
}

export const backend = tf.backend() as unknown as NodeBackend;
const { binding } = backend;

/** Attributes of TensorFlow kernels; types are inferred from the inputs and may be left out. */
export const attribute = {
  bool: (name: string, value: boolean): Attribute => ({ name, type: binding.TF_ATTR_BOOL, value }),
  int: (name: string, value: number | number[]): Attribute => ({ name, type: binding.TF_ATTR_INT, value }),
  float: (name: string, value: number): Attribute => ({ name, type: binding.TF_ATTR_FLOAT, value }),
  string: (name: string, value: string): Attribute => ({ name, type: binding.TF_ATTR_STRING, value }),
  type: (name: string, value: number): Attribute => ({ name, type: binding.TF_ATTR_TYPE, value }),
  shape: (name: string, value: number[]): Attribute => ({ name, type: binding.TF_ATTR_SHAPE, value }),
};

/**
 * Runs one TensorFlow kernel by its name, outside tfjs's autodiff (wrap it in `tf.customGrad` for a gradient).
 * The results are ordinary tensors: `tf.tidy` and `dispose` work on them.
 *
 * @example executeKernel('Conv2D', [attribute.int('strides', [1, 2, 2, 1]), …], [x, filter])
 */
export function executeKernel(name: string, attributes: Attribute[], inputs: tf.Tensor[]): tf.Tensor {
  return backend.executeSingleOutput(name, attributes, inputs);
}

/** As `executeKernel`, for kernels with several outputs (or none). */
export function executeKernels(
  name: string,
  attributes: Attribute[],
  inputs: tf.Tensor[],
  outputs: number,
): tf.Tensor[] {
  return backend.executeMultipleOutputs(name, attributes, inputs, outputs);
}

/** Whether other tensors, clones or reshaped ones, share this one's memory. */
export const isShared = (x: tf.Tensor): boolean => backend.refCount(x.dataId) > 1;
