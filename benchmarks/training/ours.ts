// Fine-tuning steps with our engines; answers as peers/training.py does.
//
//   node training/ours.ts FOLDER VARIANT BATCH_SIZE
//
// Variants: fast, oracle (the engine), bf16 (fast, with mixed precision), frozen (the vision backbone alone, in evaluation mode).
import { createInterface } from 'node:readline';
import { architectureSchema, type Batch } from '@crosscheck/contract';
import { createAdamW, createModel } from '@crosscheck/engine';
import { defaultDropout } from '@crosscheck/network';
import { describeTensorflow, type tf } from '@crosscheck/tensorflow';
import { openSamples, takeBatch } from './samples.ts';

const [folder = '', variant = 'fast', batchSize = '16'] = process.argv.slice(2);
const samples = openSamples(folder);
const model = createModel({
  architecture: architectureSchema.parse({}),
  dropout: defaultDropout,
  batchNormMomentum: 0.1,
  seed: 0,
  engine: variant === 'oracle' ? 'oracle' : 'fast',
});
const optimizer = createAdamW({ weightDecay: 0.01 });
// As a phase begins in the trainer.
if (variant !== 'frozen') optimizer.prepare(model.variables, model.trainableNames({ vision: false, text: false }));

function train(batch: Batch, seed: number): number {
  const result = model.computeGradients(batch, { seed, mixedPrecision: variant === 'bf16' });
  optimizer.step(model.variables, result.gradients, { learningRate: 2e-5, clipNorm: 1 });
  result.dispose();
  awaitDevice();
  return result.loss;
}

/** A GPU goes on when the program does: reading a weight waits until it is done. */
function awaitDevice(): void {
  (model.variables.get('fusion.6.bias') as tf.Variable).dataSync();
}

/** The text is one token long: next to nothing. */
function judge({ size, image, imageSize }: Batch): number {
  const [inputIds, attentionMask] = [new Int32Array(size).fill(101), new Int32Array(size).fill(1)];
  return model.encode({ size, length: 1, imageSize, image, inputIds, attentionMask }).vision[0] as number;
}

const answer = (content: object) => process.stdout.write(`${JSON.stringify(content)}\n`);

/** The largest memory that this process has held, as the operating system counts it. */
const peakBytes = () => process.resourceUsage().maxRSS * 1024;

answer({ ready: true, version: describeTensorflow() });
for await (const line of createInterface({ input: process.stdin })) {
  const number = Number(line);
  const batch = takeBatch(samples, Number(batchSize), number);
  const [start, startOfWork] = [performance.now(), process.cpuUsage()];
  const loss = variant === 'frozen' ? judge(batch) : train(batch, number);
  const { user, system } = process.cpuUsage(startOfWork);
  answer({ seconds: (performance.now() - start) / 1000, cpuSeconds: (user + system) / 1e6, loss });
}
answer({ peakBytes: peakBytes() });
