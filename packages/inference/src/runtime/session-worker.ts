// Entry of a worker thread: owns one onnxruntime session, because `session.run` blocks the thread that calls it.
import { parentPort, workerData } from 'node:worker_threads';
import { isCrosscheckError, messageOf } from '@crosscheck/contract';
import { normalizeImage } from '@crosscheck/preprocess';
import type { OnnxSession } from './onnx-session.ts';
import { openOnnxSession } from './onnx-session.ts';
import type { EncodedBatch, WorkerOptions, WorkerReply, WorkerRequest } from './protocol.ts';

const port = parentPort as NonNullable<typeof parentPort>;
const { modelFile, threads, preprocessing, maxBatch } = workerData as WorkerOptions;
const pixelsPerImage = 3 * preprocessing.imageSize ** 2;
const imageBuffer = new Float32Array(maxBatch * pixelsPerImage);

const reply = (message: WorkerReply) => port.postMessage(message);

/** @returns [B, 3, S, S]; a row without a picture is NaN, which networks made for that understand */
function normalizeBatch({ size, pixels, withoutImage = [] }: EncodedBatch): Float32Array {
  for (let i = 0; i < size; i++) {
    const offset = i * pixelsPerImage;
    normalizeImage(pixels.subarray(offset, offset + pixelsPerImage), preprocessing, 'nchw', imageBuffer, offset);
  }
  for (const row of withoutImage) imageBuffer.fill(Number.NaN, row * pixelsPerImage, (row + 1) * pixelsPerImage);
  return imageBuffer.subarray(0, size * pixelsPerImage);
}

async function runBatch(session: OnnxSession, batch: EncodedBatch): Promise<void> {
  try {
    const image = normalizeBatch(batch);
    const startedAt = performance.now();
    const logits = await session.run({ ...batch, image });
    reply({ type: 'result', logits, inferenceMs: performance.now() - startedAt });
  } catch (error) {
    reply({ type: 'failed', message: messageOf(error) });
  }
}

/** The first runs allocate and plan; they should not be a client's. */
async function warmUp(session: OnnxSession): Promise<void> {
  for (const size of [1, maxBatch]) {
    const length = Math.min(32, preprocessing.maxTokens);
    const inputIds = new Int32Array(size * length);
    const image = imageBuffer.subarray(0, size * pixelsPerImage);
    await session.run({ size, length, image, inputIds, attentionMask: new Int32Array(size * length).fill(1) });
  }
}

try {
  const session = await openOnnxSession(modelFile, { threads, preprocessing });
  await warmUp(session);
  port.on('message', (request: WorkerRequest) => {
    if (request.type === 'run') void runBatch(session, request.batch);
    else void session.close().then(() => port.close());
  });
  reply({ type: 'ready' });
} catch (error) {
  const code = isCrosscheckError(error) ? error.code : 'CROSSCHECK_INFERENCE_MODEL_UNLOADABLE';
  reply({ type: 'unloadable', code, message: messageOf(error) });
}
