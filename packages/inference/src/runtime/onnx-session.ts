import type { Preprocessing } from '@crosscheck/contract';
import { CrosscheckError, messageOf, onnxNames } from '@crosscheck/contract';
import type { InferenceSession } from 'onnxruntime-node';
import { saturatesIntegerSums } from './integer-sums.ts';

/** Model inputs as the network takes them: B posts, L tokens, S pixels per side. */
export interface ModelInputs {
  size: number;
  length: number;
  /** [B, 3, S, S] float32, normalised. */
  image: Float32Array;
  /** [B, L] */
  inputIds: Int32Array;
  /** [B, L], 1 on tokens and 0 on padding. */
  attentionMask: Int32Array;
}

/** One onnxruntime session. `run` blocks the thread that calls it: onnxruntime-node is synchronous inside. */
export interface OnnxSession {
  /** Logits, one per post. */
  run(inputs: ModelInputs): Promise<Float32Array>;
  close(): Promise<void>;
}

/**
 * Since 1.29 onnxruntime reports to its vendor unless this variable stands in the process's environment before its library is
 * opened. A worker's own `process.env` is a copy, so the main thread sets it too.
 */
export function forbidTelemetry(): void {
  process.env.ORT_DISABLE_TELEMETRY = '1';
}

/** The only place that loads onnxruntime. */
async function loadOnnxRuntime() {
  forbidTelemetry();
  const runtime = await import('onnxruntime-node');
  runtime.env.logLevel = 'error';
  return runtime;
}

/**
 * Opens a model file (its external data beside it) on the CPU.
 *
 * @param options.threads threads of one `run`
 * @throws CROSSCHECK_INFERENCE_MODEL_UNLOADABLE, CROSSCHECK_ARTIFACT_MISMATCH
 */
export async function openOnnxSession(
  modelFile: string,
  options: { threads: number; preprocessing: Preprocessing },
): Promise<OnnxSession> {
  const { Tensor } = await loadOnnxRuntime();
  const session = await createSession(modelFile, options.threads);
  const { imageSize } = options.preprocessing;
  requireInterface(modelFile, session, imageSize);
  return {
    async run({ size, length, image, inputIds, attentionMask }) {
      const outputs = await session.run({
        [onnxNames.image]: new Tensor('float32', image, [size, 3, imageSize, imageSize]),
        [onnxNames.inputIds]: new Tensor('int64', BigInt64Array.from(inputIds, BigInt), [size, length]),
        [onnxNames.attentionMask]: new Tensor('int64', BigInt64Array.from(attentionMask, BigInt), [size, length]),
      });
      return (outputs[onnxNames.logits] as { data: Float32Array }).data;
    },
    close: () => session.release(),
  };
}

export interface TensorSession {
  /** Runs the graph; every output as float32. */
  run(feeds: Record<string, { data: Float32Array; shape: readonly number[] }>): Promise<Record<string, Float32Array>>;
  close(): Promise<void>;
}

/**
 * Opens any model of float32 inputs and outputs on the CPU, for looking inside a network.
 *
 * @throws CROSSCHECK_INFERENCE_MODEL_UNLOADABLE
 */
export async function openTensorSession(modelFile: string, options: { threads: number }): Promise<TensorSession> {
  const { Tensor } = await loadOnnxRuntime();
  const session = await createSession(modelFile, options.threads);
  return {
    async run(feeds) {
      const tensors = Object.entries(feeds).map(([name, { data, shape }]) => [
        name,
        new Tensor('float32', data, shape),
      ]);
      const outputs = await session.run(Object.fromEntries(tensors));
      return Object.fromEntries(Object.entries(outputs).map(([name, value]) => [name, value.data as Float32Array]));
    },
    close: () => session.release(),
  };
}

async function createSession(modelFile: string, threads: number): Promise<InferenceSession> {
  const { InferenceSession } = await loadOnnxRuntime();
  return InferenceSession.create(modelFile, {
    executionProviders: ['cpu'],
    graphOptimizationLevel: 'all',
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
    extra: { session: { x64quantprecision: saturatesIntegerSums() ? '1' : '0' } },
  }).catch((cause: unknown) => {
    const message = `onnxruntime cannot load ${modelFile}: ${messageOf(cause)}; export the checkpoint again`;
    throw new CrosscheckError('CROSSCHECK_INFERENCE_MODEL_UNLOADABLE', message, { cause });
  });
}

/** Names and picture size of the graph must be the contract's. */
function requireInterface(modelFile: string, session: InferenceSession, imageSize: number): void {
  const expected = [onnxNames.image, onnxNames.inputIds, onnxNames.attentionMask, onnxNames.logits].join(', ');
  const actual = [...session.inputNames, ...session.outputNames].join(', ');
  if (actual !== expected) throw mismatch(modelFile, `inputs and output ${expected}`, actual);
  const image = session.inputMetadata.find((input) => input.name === onnxNames.image);
  const shape = image?.isTensor ? image.shape.slice(1).join('×') : 'no tensor';
  if (shape !== `3×${imageSize}×${imageSize}`)
    throw mismatch(modelFile, `image [B, 3, ${imageSize}, ${imageSize}]`, `[B, ${shape}]`);
}

function mismatch(modelFile: string, expected: string, actual: string): CrosscheckError {
  const message = `${modelFile} does not fit its artifact.json: expected ${expected}, got ${actual}; export the checkpoint again`;
  return new CrosscheckError('CROSSCHECK_ARTIFACT_MISMATCH', message);
}
