import type { ErrorCode, Preprocessing } from '@crosscheck/contract';
import type { DecodeOptions } from '@crosscheck/preprocess';
import type { GraphCache } from './graph-cache.ts';

/** A picture, as [S, S, 3] RGB u8 or as a file that the worker decodes. */
export type Picture<Bytes = Uint8Array<ArrayBuffer>> =
  | { form: 'pixels'; bytes: Bytes }
  | { form: 'file'; bytes: Bytes; options: DecodeOptions };

/** One micro-batch on its way to a worker: B posts, L tokens, S pixels per side. All buffers are transferred. */
export interface EncodedBatch {
  size: number;
  length: number;
  /** [B] null for a post without one. */
  pictures: (Picture | null)[];
  /** [B, L] */
  inputIds: Int32Array;
  /** [B, L] */
  attentionMask: Int32Array;
}

export interface BatchFailure {
  row: number;
  code: ErrorCode;
  message: string;
}

export interface BatchResult {
  /** One logit per post. */
  logits: Float32Array;
  /** Rows whose file could not be decoded: their logits mean nothing. */
  failures: BatchFailure[];
  /** Rows whose file is not decoded straight after all, so that others must decode it; their logits mean nothing, too. */
  undecoded: number[];
  /** Time for each file that was. */
  decodeMs: number[];
  /** Time inside the session. */
  inferenceMs: number;
}

export interface WorkerOptions {
  modelFile: string;
  threads: number;
  preprocessing: Preprocessing;
  maxBatch: number;
  /** Null = nothing is kept. */
  graphCache: GraphCache | null;
}

export type WorkerRequest = { type: 'run'; batch: EncodedBatch } | { type: 'close' };

export type WorkerReply =
  | { type: 'ready'; isGraphKept: boolean }
  | { type: 'unloadable'; code: ErrorCode; message: string }
  | ({ type: 'result' } & BatchResult)
  | { type: 'failed'; message: string };
