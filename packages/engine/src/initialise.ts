import { combineSeeds } from '@crosscheck/contract';
import type { Initial, Parameter } from '@crosscheck/network';
import { attribute, executeKernel, tf } from '@crosscheck/tensorflow';
import { heldShape } from './parameters.ts';
import { uniformNoise } from './pass.ts';

type Rules = {
  [R in Initial['rule']]: (tensor: Parameter, seed: number, initial: Extract<Initial, { rule: R }>) => tf.Tensor;
};

const rules: Rules = {
  zeros: (tensor) => tf.zeros(heldShape(tensor)),
  ones: (tensor) => tf.ones(heldShape(tensor)),
  normal: (tensor, seed, { deviation }) => normal(tensor, seed, deviation),
  padded(tensor, seed, { deviation }) {
    const [rows = 1, columns = 1] = tensor.shape;
    const filled = normal(tensor, seed, deviation) as tf.Tensor2D;
    return tf.concat([tf.zeros([1, columns]), tf.slice(filled, [1, 0], [rows - 1, columns])], 0); // [V, H]
  },
  uniform: (tensor, seed, { bound }) =>
    tf.mul(tf.sub(tf.mul(uniformNoise(heldShape(tensor), seed, tensor.name), 2), 1), bound),
};

function normal(tensor: Parameter, seed: number, deviation: number): tf.Tensor {
  const key = tf.tensor1d([combineSeeds(seed, tensor.name) | 0, combineSeeds(tensor.name, seed) | 0], 'int32');
  const shape = tf.tensor1d(heldShape(tensor), 'int32');
  return tf.mul(executeKernel('StatelessRandomNormal', [attribute.type('dtype', 1)], [shape, key]), deviation);
}

/** The first value of a tensor, a function of (seed, name) alone: the same whatever else the model holds. */
export function initialValue(tensor: Parameter, seed: number): tf.Tensor {
  const rule = rules[tensor.initial.rule] as (tensor: Parameter, seed: number, initial: Initial) => tf.Tensor;
  return tf.tidy(() => rule(tensor, seed, tensor.initial));
}
