// Prints losses, gradient norms and some weights of three training steps with everything random on, as JSON.

import { defaultDropout } from '@crosscheck/network';
import { hasOwnKernels, type tf } from '@crosscheck/tensorflow';
import { createAdamW, createModel } from '../src/index.ts';
import { formulaBatch, sizes } from './formula.ts';

const { tiny } = sizes;
const model = createModel({
  architecture: tiny.architecture,
  dropout: defaultDropout,
  batchNormMomentum: 0.1,
  seed: 11,
});
const optimizer = createAdamW();
const steps = [0, 1, 2].map((step) => {
  const result = model.computeGradients(formulaBatch(tiny, [12, 5, 9, 12], `step${step}`), { seed: step });
  const { gradientNorm } = optimizer.step(model.variables, result.gradients, { learningRate: 1e-3, clipNorm: 1 });
  result.dispose();
  return [result.loss, gradientNorm];
});
const weights = [...(model.variables.get('fusion.0.weight') as tf.Variable).dataSync()];
process.stdout.write(JSON.stringify({ hasOwnKernels, steps, weights }));
