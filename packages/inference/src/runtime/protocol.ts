import type { ErrorCode, Preprocessing } from '@crosscheck/contract';

/** One micro-batch on its way to a worker: B posts, L tokens, S pixels per side. All buffers are transferred. */
export interface EncodedBatch {
  size: number;
  length: number;
  /** [B, S, S, 3] RGB u8; normalised in the worker. */
  pixels: Uint8Array;
  /** Rows whose post has no picture; none when left out. */
  withoutImage?: readonly number[];
  /** [B, L] */
  inputIds: Int32Array;
  /** [B, L] */
  attentionMask: Int32Array;
}

export interface BatchResult {
  /** One logit per post. */
  logits: Float32Array;
  /** Time inside the session. */
  inferenceMs: number;
}

export interface WorkerOptions {
  modelFile: string;
  threads: number;
  preprocessing: Preprocessing;
  maxBatch: number;
}

export type WorkerRequest = { type: 'run'; batch: EncodedBatch } | { type: 'close' };

export type WorkerReply =
  | { type: 'ready' }
  | { type: 'unloadable'; code: ErrorCode; message: string }
  | ({ type: 'result' } & BatchResult)
  | { type: 'failed'; message: string };
