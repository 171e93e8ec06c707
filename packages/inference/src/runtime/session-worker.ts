// Entry of a worker thread: owns one onnxruntime session, because `session.run` blocks the thread that calls it.
import { parentPort, workerData } from 'node:worker_threads';
import { isCrosscheckError, messageOf } from '@crosscheck/contract';
import { decodeDirectly, normalizeImage } from '@crosscheck/preprocess';
import type { OnnxSession } from './onnx-session.ts';
import { openOnnxSession } from './onnx-session.ts';
import type { BatchResult, EncodedBatch, Picture, WorkerOptions, WorkerReply, WorkerRequest } from './protocol.ts';

const port = parentPort as NonNullable<typeof parentPort>;
const { modelFile, threads, preprocessing, maxBatch, graphCache } = workerData as WorkerOptions;
const pixelsPerImage = 3 * preprocessing.imageSize ** 2;
const imageBuffer = new Float32Array(maxBatch * pixelsPerImage);

const reply = (message: WorkerReply) => port.postMessage(message);

type Decoded = Pick<BatchResult, 'failures' | 'undecoded' | 'decodeMs'>;

/** [S, S, 3]; null for a file that is damaged or not for us, and where there is none. */
async function toPixels(picture: Picture | null, row: number, decoded: Decoded): Promise<Uint8Array | null> {
  if (picture?.form !== 'file') return picture?.bytes ?? null;
  const startedAt = performance.now();
  try {
    const pixels = await decodeDirectly(picture.bytes, picture.options);
    if (pixels) decoded.decodeMs.push(performance.now() - startedAt);
    else decoded.undecoded.push(row);
    return pixels;
  } catch (error) {
    const code = isCrosscheckError(error) ? error.code : 'CROSSCHECK_IMAGE_UNREADABLE';
    decoded.failures.push({ row, code, message: messageOf(error) });
    return null;
  }
}

/** Writes the pictures to [B, 3, S, S]; NaN where there is none, which networks made for that understand. */
async function writePictures(pictures: EncodedBatch['pictures']): Promise<Decoded> {
  const decoded: Decoded = { failures: [], undecoded: [], decodeMs: [] };
  const write = async (picture: Picture | null, row: number) => {
    const pixels = await toPixels(picture, row, decoded);
    const offset = row * pixelsPerImage;
    if (pixels) normalizeImage(pixels, preprocessing, 'nchw', imageBuffer, offset);
    else imageBuffer.fill(picture ? 0 : Number.NaN, offset, offset + pixelsPerImage);
  };
  await Promise.all(pictures.map(write));
  return decoded;
}

async function runBatch(session: OnnxSession, batch: EncodedBatch): Promise<void> {
  try {
    const decoded = await writePictures(batch.pictures);
    const image = imageBuffer.subarray(0, batch.size * pixelsPerImage); // [B, 3, S, S]
    const startedAt = performance.now();
    const logits = await session.run({ ...batch, image });
    reply({ type: 'result', logits, ...decoded, inferenceMs: performance.now() - startedAt });
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

/** A kept graph that cannot run is made again. */
async function openWarm(): Promise<OnnxSession> {
  const open = (anew: boolean) =>
    openOnnxSession(modelFile, { threads, preprocessing, graphCache: graphCache && { ...graphCache, anew } });
  const session = await open(graphCache?.anew ?? false);
  try {
    await warmUp(session);
    return session;
  } catch (error) {
    await session.close();
    if (!session.isKept) throw error;
  }
  const fresh = await open(true);
  await warmUp(fresh);
  return fresh;
}

try {
  const session = await openWarm();
  port.on('message', (request: WorkerRequest) => {
    if (request.type === 'run') void runBatch(session, request.batch);
    else void session.close().then(() => port.close());
  });
  reply({ type: 'ready', isGraphKept: session.isKept });
} catch (error) {
  const code = isCrosscheckError(error) ? error.code : 'CROSSCHECK_INFERENCE_MODEL_UNLOADABLE';
  reply({ type: 'unloadable', code, message: messageOf(error) });
}
