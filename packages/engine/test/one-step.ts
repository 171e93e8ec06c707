// Prints a digest of two training steps with everything random on: the same in every process.
import { createHash } from 'node:crypto';
import { defaultDropout } from '@crosscheck/network';
import { createAdamW, createModel } from '../src/index.ts';
import { formulaBatch, sizes } from './formula.ts';

const size = sizes[process.argv[2] === 'full' ? 'full' : 'tiny'];
const model = createModel({
  architecture: size.architecture,
  dropout: defaultDropout,
  batchNormMomentum: 0.1,
  seed: 11,
});
const optimizer = createAdamW();
const hash = createHash('sha256');
for (let step = 0; step < 2; step++) {
  const result = model.computeGradients(formulaBatch(size, [12, 5, 9, 12], `step${step}`), { seed: step });
  optimizer.step(model.variables, result.gradients, { learningRate: 1e-3, clipNorm: 1 });
  hash.update(result.logits);
  for (const gradient of result.gradients.values()) hash.update(gradient.dataSync());
  result.dispose();
}
for (const held of [...model.variables.values(), ...model.buffers.values()]) hash.update(held.dataSync());
process.stdout.write(hash.digest('hex'));
