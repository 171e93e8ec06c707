import { combineSeeds } from '@crosscheck/contract';
import { attribute, constantIntegers, executeKernel, tf } from '@crosscheck/tensorflow';

/** One forward pass: where its weights come from, and which of the parts that exist only in training are on. */
export interface Pass {
  /** A parameter or running statistic by its checkpoint name, in the layout that TensorFlow computes in. */
  weight(name: string): tf.Tensor;
  /** On: dropout, stochastic depth, and batch norm over the batch's own statistics. */
  readonly training: boolean;
  /** Fixes every random mask of this pass. */
  readonly seed: number;
  /** Share of the new value in each update of a running statistic (PyTorch's meaning). */
  readonly batchNormMomentum: number;
  /** Receives every running statistic that a training pass has moved; the tensor then belongs to the receiver. */
  moveStatistic(name: string, value: tf.Tensor): void;
  /** Sees the output of every stage and layer under the name of the PyTorch module that computes it. */
  observe(name: string, value: tf.Tensor): void;
}

const floatType = 1; // DT_FLOAT of tensorflow/core/framework/types.proto

/** The generator's key of one site in one step, [2]. */
export function noiseKey(seed: number, site: string): tf.Tensor {
  return tf.tensor1d([combineSeeds(seed, site) | 0, combineSeeds(site, seed) | 0], 'int32');
}

/**
 * Uniform numbers in [0, 1) that follow from the seed, the site and the shape alone: the same step gives the same masks
 * in any process and in any order (a counter-based generator: Salmon et al. 2011).
 */
export function uniformNoise(shape: readonly number[], seed: number, site: string): tf.Tensor {
  return tf.tidy(() => {
    const key = noiseKey(seed, site); // [2]
    return executeKernel(
      'StatelessRandomUniform',
      [attribute.type('dtype', floatType)],
      [constantIntegers(shape), key],
    );
  });
}

/** 0 with probability `rate`, else 1 / (1 − rate), so that the expectation stays 1. */
export function survivalMask(pass: Pass, shape: number[], rate: number, site: string): tf.Tensor {
  return tf.tidy(() => {
    const survives = tf.greaterEqual(uniformNoise(shape, pass.seed, site), rate);
    return tf.mul(tf.cast(survives, 'float32'), 1 / (1 - rate));
  });
}
