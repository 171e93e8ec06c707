// Prints losses and gradient norms of twenty training steps of the default network, ten with frozen backbones and ten without, with everything
// random on, and a digest of all weights and statistics after them, as JSON.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { architectureSchema, type Batch, createRandom } from '@crosscheck/contract';
import { defaultDropout } from '@crosscheck/network';
import { hasOwnKernels } from '@crosscheck/tensorflow';
import { createAdamW, createModel } from '../src/index.ts';

const [size, imageSize, length, count] = [4, 224, 64, 20];
const architecture = architectureSchema.parse({});

function randomBatch(seed: string): Batch {
  const random = createRandom(seed);
  const image = Float32Array.from({ length: size * imageSize * imageSize * 3 }, () => random.next() * 4 - 2);
  const [inputIds, attentionMask] = [new Int32Array(size * length), new Int32Array(size * length)];
  for (let row = 0; row < size; row++) {
    const tokens = row === 0 ? length : 3 + random.int(length - 3);
    for (let i = row * length; i < row * length + tokens; i++) {
      inputIds[i] = 1 + random.int(architecture.text.vocabSize - 1);
      attentionMask[i] = 1;
    }
  }
  const label = Float32Array.from({ length: size }, (_, i) => (i + random.int(2)) % 2);
  const indices = Int32Array.from({ length: size }, (_, i) => i);
  return { size, length, imageSize, image, inputIds, attentionMask, label, indices };
}

const model = createModel({ architecture, dropout: defaultDropout, batchNormMomentum: 0.1, seed: 3 });
const optimizer = createAdamW({ weightDecay: 0.01 });
const steps = Array.from({ length: count }, (_, step) => {
  const frozen = step < count / 2;
  const loss = { positiveWeight: 1.3, labelSmoothing: 0.05 };
  const result = model.computeGradients(randomBatch(`s${step}`), {
    seed: step,
    freeze: { vision: frozen, text: frozen },
    ...loss,
  });
  const { gradientNorm } = optimizer.step(model.variables, result.gradients, { learningRate: 1e-3, clipNorm: 1 });
  result.dispose();
  return [result.loss, gradientNorm];
});

/** What decides the order in which numbers are added up: the kind of processor and how many of them. */
function describeProcessor(): string {
  const info = existsSync('/proc/cpuinfo') ? readFileSync('/proc/cpuinfo', 'utf8') : '';
  const facts = /^(cpu family|model|stepping|flags)\s*:.*$/gm;
  const digest = createHash('sha256')
    .update([...new Set(info.match(facts))].join('\n'))
    .digest('hex')
    .slice(0, 16);
  return `${digest} × ${availableParallelism()}`;
}

const hash = createHash('sha256');
for (const [name, held] of [...model.variables, ...model.buffers]) {
  hash.update(name);
  hash.update(held.dataSync());
}
process.stdout.write(
  JSON.stringify({ processor: describeProcessor(), hasOwnKernels, steps, weights: hash.digest('hex').slice(0, 24) }),
);
