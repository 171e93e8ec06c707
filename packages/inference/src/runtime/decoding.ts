import {
  type DecodeOptions,
  type DecoderStats,
  decodeImage,
  defaultDecodedBytes,
  Gate,
  openByteBudget,
  openDecoders,
} from '@crosscheck/preprocess';

export interface DecodingOptions {
  /** Pictures that are decoded at the same time in this process: large ones take much memory while they are. @default 4, libuv's threads */
  decoders?: number;
  /** Decode in this many processes instead, which are ended when nobody waits for their picture any more. @default 0 */
  decoderProcesses?: number;
  /** With such processes: so many pictures at a time that take but a moment are decoded in this one. @default 0 */
  quickDecoders?: number;
  /** Bytes of memory that all pictures together take while they are decoded. @default 896 MiB */
  maxDecodedBytes?: number;
  /** A picture that waits longer for its share of them is refused. @default no limit */
  decodePatienceMs?: number;
  /** A picture that a process works on for longer is given up. @default no limit */
  decodeWorkMs?: number;
}

export interface DecodingStats extends DecoderStats {
  /** Bytes that decoding takes now, and may take. */
  bytes: number;
  byteLimit: number;
}

/** Decodes the pictures that the workers do not decode straight to the size of the network. */
export interface Decoding {
  /** @returns [S, S, 3] */
  decode(image: Uint8Array, options: DecodeOptions, signal: AbortSignal): Promise<Uint8Array>;
  stats(): DecodingStats;
  close(): void;
}

export function openDecoding(options: DecodingOptions): Decoding {
  const {
    decoders = 4,
    decoderProcesses: processes = 0,
    maxDecodedBytes = defaultDecodedBytes,
    decodePatienceMs: patienceMs,
    decodeWorkMs: workMs,
    quickDecoders: quickHere = 0,
  } = options;
  const budget = openByteBudget(maxDecodedBytes, { ...(patienceMs !== undefined && { patienceMs }) });
  const facts = () => ({ bytes: budget.inUse(), byteLimit: maxDecodedBytes });
  if (processes > 0) {
    const pool = openDecoders({ processes, quickHere, workMs, budget });
    return {
      decode: (image, how, signal) => pool.decodeWithin(image, { ...how, signal }),
      stats: () => ({ ...pool.stats(), ...facts() }),
      close: () => pool.close(),
    };
  }
  const gate = new Gate(decoders);
  return {
    decode: (image, how, signal) =>
      gate.pass(async () => {
        signal.throwIfAborted();
        return decodeImage(image, { ...how, budget, signal });
      }),
    stats: () => ({ cheap: 0, expensive: 0, ended: 0, oldestCheapMs: 0, ...facts() }),
    close: () => {},
  };
}
