import path from 'node:path';
import type { Preprocessing } from '@crosscheck/contract';
import { CrosscheckError, messageOf, onnxNames } from '@crosscheck/contract';
import type { InferenceSession } from 'onnxruntime-node';
import { type GraphCache, openGraphPlace } from './graph-cache.ts';
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
  /** Whether the graph is one that an earlier start kept. */
  isKept: boolean;
}

interface SessionOptions {
  threads: number;
  graphCache?: GraphCache | null;
}

/**
 * Since 1.29 onnxruntime reports to its vendor unless this variable stands in the process's environment before its library is
 * opened. A worker's own `process.env` is a copy, so the main thread sets it too.
 */
export function forbidTelemetry(): void {
  // Threads of native code may be reading the environment: it is written once.
  if (process.env.ORT_DISABLE_TELEMETRY !== '1') process.env.ORT_DISABLE_TELEMETRY = '1';
}

type OnnxRuntime = typeof import('onnxruntime-node');

/** The only place that loads onnxruntime. */
async function loadOnnxRuntime(): Promise<OnnxRuntime> {
  forbidTelemetry();
  const runtime = await import('onnxruntime-node');
  runtime.env.logLevel = 'error';
  return runtime;
}

/**
 * Opens a model file (its external data beside it) on the CPU.
 *
 * @param options.threads threads of one `run`
 * @param options.graphCache keeps the graph as onnxruntime rewrites it for this CPU: half to two thirds of the time to load it
 * @throws CROSSCHECK_INFERENCE_MODEL_UNLOADABLE, CROSSCHECK_ARTIFACT_MISMATCH
 */
export async function openOnnxSession(
  modelFile: string,
  options: SessionOptions & { preprocessing: Preprocessing },
): Promise<OnnxSession> {
  const { Tensor } = await loadOnnxRuntime();
  const { imageSize } = options.preprocessing;
  const runWith = async (session: InferenceSession, inputs: ModelInputs) => {
    const { size, length, image, inputIds, attentionMask } = inputs;
    const outputs = await session.run({
      [onnxNames.image]: new Tensor('float32', image, [size, 3, imageSize, imageSize]),
      [onnxNames.inputIds]: new Tensor('int64', BigInt64Array.from(inputIds, BigInt), [size, length]),
      [onnxNames.attentionMask]: new Tensor('int64', BigInt64Array.from(attentionMask, BigInt), [size, length]),
    });
    return (outputs[onnxNames.logits] as { data: Float32Array }).data;
  };
  const probe = async (session: InferenceSession) => {
    requireInterface(modelFile, session, imageSize);
    await runWith(session, blankInputs(imageSize));
  };
  const { session, isKept } = await createSession(modelFile, options, probe);
  requireInterface(modelFile, session, imageSize);
  return { isKept, run: (inputs) => runWith(session, inputs), close: () => session.release() };
}

/** One black picture with one word. */
function blankInputs(imageSize: number): ModelInputs {
  const image = new Float32Array(3 * imageSize ** 2);
  return { size: 1, length: 1, image, inputIds: new Int32Array(1), attentionMask: Int32Array.of(1) };
}

export interface FedTensor {
  /** float32 or int64 */
  data: Float32Array | BigInt64Array;
  shape: readonly number[];
}

export interface TensorSession {
  /** Runs the graph; every output as float32. */
  run(feeds: Record<string, FedTensor>): Promise<Record<string, Float32Array>>;
  close(): Promise<void>;
}

/**
 * Opens any model of float32 outputs on the CPU, for looking inside a network.
 *
 * @throws CROSSCHECK_INFERENCE_MODEL_UNLOADABLE
 */
export async function openTensorSession(modelFile: string, options: { threads: number }): Promise<TensorSession> {
  const { Tensor } = await loadOnnxRuntime();
  const { session } = await createSession(modelFile, options);
  return {
    async run(feeds) {
      const toTensor = ({ data, shape }: FedTensor) =>
        data instanceof Float32Array ? new Tensor('float32', data, shape) : new Tensor('int64', data, shape);
      const tensors = Object.entries(feeds).map(([name, tensor]) => [name, toTensor(tensor)]);
      const outputs = await session.run(Object.fromEntries(tensors));
      return Object.fromEntries(Object.entries(outputs).map(([name, value]) => [name, value.data as Float32Array]));
    },
    close: () => session.release(),
  };
}

/** @param probe throws for a kept graph that is not the model's: it is thrown away, and the model's own is opened */
async function createSession(
  modelFile: string,
  options: SessionOptions,
  probe: (session: InferenceSession) => Promise<void> = async () => {},
): Promise<{ session: InferenceSession; isKept: boolean }> {
  const runtime = await loadOnnxRuntime();
  const { graphCache = null } = options;
  if (graphCache === null) return { session: await openGraph(runtime, modelFile, options), isKept: false };
  const place = openGraphPlace(graphCache, JSON.stringify(runtime.env.versions));
  const kept = graphCache.anew ? null : place.read();
  if (kept) {
    const weightsFolder = path.dirname(path.resolve(modelFile));
    const session = await openKept(() => openGraph(runtime, kept, { ...options, weightsFolder }), probe);
    if (session) return { session, isKept: true };
  }
  if (kept || graphCache.anew) place.drop();
  const rewrittenFile = place.open();
  const session = await openGraph(runtime, modelFile, { ...options, rewrittenFile });
  if (rewrittenFile !== null) place.keep(rewrittenFile);
  return { session, isKept: false };
}

async function openKept(
  open: () => Promise<InferenceSession>,
  probe: (session: InferenceSession) => Promise<void>,
): Promise<InferenceSession | null> {
  const session = await open().catch(() => null);
  if (session === null) return null;
  try {
    await probe(session);
    return session;
  } catch {
    await session.release();
    return null;
  }
}

interface GraphOptions extends SessionOptions {
  /** Of a graph that stands elsewhere, and was rewritten for this CPU already. */
  weightsFolder?: string;
  /** Gets the graph as it is rewritten for this CPU. */
  rewrittenFile?: string | null;
}

async function openGraph(
  { InferenceSession }: OnnxRuntime,
  graph: string | Uint8Array,
  { threads, weightsFolder, rewrittenFile }: GraphOptions,
): Promise<InferenceSession> {
  const settings = {
    x64quantprecision: saturatesIntegerSums() ? '1' : '0',
    ...(weightsFolder && { model_external_initializers_file_folder_path: weightsFolder }),
  };
  const options: InferenceSession.SessionOptions = {
    executionProviders: ['cpu'],
    graphOptimizationLevel: weightsFolder ? 'disabled' : 'all',
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
    extra: { session: settings },
    ...(rewrittenFile && { optimizedModelFilePath: rewrittenFile }),
  };
  // Its two overloads are one function.
  return InferenceSession.create(graph as string, options).catch((cause: unknown) => {
    const message = `onnxruntime cannot load ${typeof graph === 'string' ? graph : 'a kept graph'}: ${messageOf(cause)}; export the checkpoint again`;
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
