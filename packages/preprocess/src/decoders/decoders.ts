import { type ChildProcess, fork } from 'node:child_process';
import path from 'node:path';
import { CrosscheckError, type ErrorCode } from '@crosscheck/contract';
import { Gate } from '../gate.ts';
import { type DecodeOptions, prepareImage } from '../image/decode-image.ts';
import { recognizeImageType } from '../image/image-type.ts';
import type { ByteBudget } from './byte-budget.ts';
import { boundedTypes } from './work-limits.ts';

/** What goes to a decoder's process: a picture to decode, or to weigh before that. */
export interface DecodeRequest {
  work: 'weigh' | 'decode';
  bytes: Uint8Array;
  options: DecodeOptions;
}

/** What comes back: bytes of memory that decoding takes, [S, S, 3] RGB, or why not. */
export type DecodeReply = { cost: number } | { pixels: Uint8Array } | Failure;

/** What comes before it: the process is there and has the request. */
export const begun = 'begun';

interface Failure {
  code: ErrorCode;
  message: string;
}

export interface DecodersOptions {
  /** Processes, at most; they start when they are first needed. One of several is never given an expensive picture. */
  processes: number;
  /** A picture that may take more than this many bytes is an expensive one. @default 64 MiB, about 9 megapixels of JPEG or PNG */
  cheapBytes?: number;
  /** Shared with others that decode. */
  budget?: ByteBudget;
  /** So many at a time of those whose header says that they take no more than a moment are decoded here, without a process. @default 0 */
  quickHere?: number;
  /** How long a process may work on a picture; what it waited before does not count. @default no limit */
  workMs?: number | undefined;
}

export interface DecodeWithinOptions extends DecodeOptions {
  /** For waiting and decoding together; without one, the signal alone ends it. */
  deadlineMs?: number;
  signal?: AbortSignal;
}

export interface DecoderStats {
  /** Pictures that wait for a process or are being decoded. */
  cheap: number;
  expensive: number;
  /** Processes that were ended at a deadline. */
  ended: number;
  /** How long the oldest cheap one has been there: cheap pictures are decoded in a moment, unless the processes are stuck. */
  oldestCheapMs: number;
}

/** Decodes in processes of their own, which are ended when a picture takes too long. */
export interface Decoders {
  /**
   * As `decodeImage` does.
   *
   * @throws what `decodeImage` throws; CROSSCHECK_IMAGE_OVER_BUDGET, CROSSCHECK_IMAGE_DEADLINE, CROSSCHECK_IMAGE_DECODER_ENDED; the signal's reason
   */
  decodeWithin(image: Uint8Array, options: DecodeWithinOptions): Promise<Uint8Array>;
  stats(): DecoderStats;
  /** Ends the processes; what they decode fails. */
  close(): void;
}

interface Weighed {
  cost: number;
  decode: () => Promise<Uint8Array>;
}

interface Job {
  request: DecodeRequest;
  isCheap: boolean;
  since: number;
  /** Given to another process, since one had ended before it began. */
  isAgain: boolean;
  settle: (reply: DecodeReply | Error) => void;
}

interface Slot {
  process: ChildProcess | null;
  job: Job | null;
  /** Whether the process has said that it works on the job. */
  hasBegun: boolean;
  /** Ends the job that takes too long. */
  timer: NodeJS.Timeout | undefined;
}

const file = path.join(import.meta.dirname, `decoder-process${path.extname(import.meta.filename)}`);
const defaultCheapBytes = 64 * 2 ** 20;

/** Starts no process before the first picture. */
export function openDecoders(options: DecodersOptions): Decoders {
  return new DecoderPool(options);
}

class DecoderPool implements Decoders {
  readonly #slots: Slot[];
  readonly #waiting = new Set<Job>();
  readonly #cheapBytes: number;
  readonly #budget: ByteBudget | undefined;
  readonly #workMs: number | undefined;
  readonly #quickHere: Gate | null;
  #ended = 0;
  #isClosed = false;

  constructor({ processes, cheapBytes = defaultCheapBytes, budget, quickHere = 0, workMs }: DecodersOptions) {
    this.#slots = Array.from({ length: processes }, () => ({
      process: null,
      job: null,
      hasBegun: false,
      timer: undefined,
    }));
    this.#workMs = workMs;
    this.#quickHere = quickHere > 0 ? new Gate(quickHere) : null;
    this.#cheapBytes = cheapBytes;
    this.#budget = budget;
  }

  async decodeWithin(image: Uint8Array, { deadlineMs, signal, ...options }: DecodeWithinOptions): Promise<Uint8Array> {
    if (this.#isClosed) throw decoderEnded(options);
    const deadline = new AbortController();
    const expire = () => deadline.abort(pastDeadline(deadlineMs as number, options));
    const timer = deadlineMs === undefined ? undefined : setTimeout(expire, deadlineMs);
    // A composite signal is kept alive as long as somebody listens to it.
    const leave = () => deadline.abort(signal?.reason);
    if (signal?.aborted) leave();
    signal?.addEventListener('abort', leave, { once: true });
    try {
      return await this.#decode(image, options, deadline.signal);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', leave);
    }
  }

  async #decode(image: Uint8Array, options: DecodeOptions, stop: AbortSignal): Promise<Uint8Array> {
    const { cost, decode } = await this.#weigh(image, options, stop);
    const giveBack = await this.#budget?.take(cost, { ...(options.name && { name: options.name }), signal: stop });
    try {
      stop.throwIfAborted();
      return await decode();
    } finally {
      giveBack?.();
    }
  }

  /** Headers of which nobody knows how much work they are, are read in a process, too. */
  async #weigh(image: Uint8Array, options: DecodeOptions, stop: AbortSignal): Promise<Weighed> {
    const decodeThere = async (cost: number) => {
      const request = { work: 'decode', bytes: image, options: { ...options, refuseAppended: false } } as const; // it was just looked at
      return pixelsOf(await this.#run(request, cost <= this.#cheapBytes, stop));
    };
    const gate = this.#quickHere;
    if (isBounded(image)) {
      const { cost, isQuick, decode } = await prepareImage(image, options);
      return { cost, decode: () => (isQuick && gate ? gate.pass(decode) : decodeThere(cost)) };
    }
    const cost = costOf(await this.#run({ work: 'weigh', bytes: image, options }, true, stop));
    return { cost, decode: () => decodeThere(cost) };
  }

  #run(request: DecodeRequest, isCheap: boolean, stop: AbortSignal): Promise<DecodeReply> {
    if (this.#isClosed) throw decoderEnded(request.options);
    return new Promise((resolve, reject) => {
      const leave = () => this.#giveUp(job, stop.reason as Error);
      const settle = (reply: DecodeReply | Error) => {
        stop.removeEventListener('abort', leave);
        if (reply instanceof Error) reject(reply);
        else resolve(reply);
      };
      const job = { request, isCheap, since: performance.now(), isAgain: false, settle };
      stop.addEventListener('abort', leave, { once: true });
      this.#waiting.add(job);
      this.#startWork();
    });
  }

  #startWork(): void {
    for (const [index, slot] of this.#slots.entries()) {
      const job = slot.job ? undefined : this.#nextFor(index);
      if (!job) continue;
      this.#waiting.delete(job);
      slot.job = job;
      slot.hasBegun = false;
      slot.process ??= this.#startProcess(slot);
      holdProgram(slot.process, true);
      slot.process.send(job.request);
      this.#limitWork(slot, job);
    }
  }

  #limitWork(slot: Slot, job: Job): void {
    const ms = this.#workMs;
    if (ms === undefined) return;
    slot.timer = setTimeout(() => this.#giveUp(job, tooMuchWork(ms, job.request.options)), ms);
  }

  /** The first slot of several is for cheap pictures only; where there is but one, those go first. */
  #nextFor(index: number): Job | undefined {
    const jobs = [...this.#waiting];
    const cheap = jobs.find(({ isCheap }) => isCheap);
    const isAlone = this.#slots.length === 1;
    if (isAlone) return cheap ?? jobs[0];
    return index === 0 ? cheap : jobs[0];
  }

  #startProcess(slot: Slot): ChildProcess {
    const child = fork(file, [], { serialization: 'advanced' });
    child.on('message', (said: DecodeReply | typeof begun) => {
      if (slot.process !== child) return;
      if (said === begun) slot.hasBegun = true;
      else this.#finish(slot, said);
    });
    const onEnd = () => {
      if (slot.process !== child) return; // it was ended from here
      slot.process = null;
      if (slot.job) this.#lose(slot, slot.job);
    };
    child.on('exit', onEnd);
    child.on('error', onEnd);
    return child;
  }

  /** Only a picture that a process had begun fails with it: one that was sent to a process that had ended unnoticed goes to another. */
  #lose(slot: Slot, job: Job): void {
    if (slot.hasBegun || job.isAgain) return this.#finish(slot, decoderEnded(job.request.options));
    clearTimeout(slot.timer);
    slot.job = null;
    job.isAgain = true;
    this.#waiting.add(job);
    this.#startWork();
  }

  #finish(slot: Slot, reply: DecodeReply | Error): void {
    const { job } = slot;
    clearTimeout(slot.timer);
    if (slot.process) holdProgram(slot.process, false);
    slot.job = null;
    job?.settle(reply);
    this.#startWork();
  }

  /** Takes a picture out of the line, or ends the process that decodes it. */
  #giveUp(job: Job, reason: Error): void {
    this.#waiting.delete(job);
    job.settle(reason);
    const slot = this.#slots.find((each) => each.job === job);
    if (!slot) return;
    this.#ended++;
    endProcess(slot);
    this.#startWork();
  }

  #jobs(): Job[] {
    return [...this.#waiting, ...this.#slots.flatMap(({ job }) => job ?? [])];
  }

  stats(): DecoderStats {
    const jobs = this.#jobs();
    const cheap = jobs.filter(({ isCheap }) => isCheap);
    const oldest = Math.min(...cheap.map(({ since }) => since));
    return {
      cheap: cheap.length,
      expensive: jobs.length - cheap.length,
      ended: this.#ended,
      oldestCheapMs: cheap.length === 0 ? 0 : performance.now() - oldest,
    };
  }

  close(): void {
    this.#isClosed = true;
    const jobs = this.#jobs();
    this.#waiting.clear();
    for (const slot of this.#slots) endProcess(slot);
    for (const job of jobs) job.settle(decoderEnded(job.request.options));
  }
}

/** A program goes on as long as something is being decoded, and no longer. */
function holdProgram(child: ChildProcess, isHeld: boolean): void {
  for (const handle of [child, child.channel])
    if (isHeld) handle?.ref();
    else handle?.unref();
}

function isBounded(image: Uint8Array): boolean {
  const type = recognizeImageType(image);
  return type === null || boundedTypes.includes(type); // null is refused at once
}

function costOf(reply: DecodeReply): number {
  if ('cost' in reply) return reply.cost;
  throw asError(reply as Failure);
}

function pixelsOf(reply: DecodeReply): Uint8Array {
  if ('pixels' in reply) return reply.pixels;
  throw asError(reply as Failure);
}

function asError({ code, message }: Failure): CrosscheckError {
  return new CrosscheckError(code, message);
}

function endProcess(slot: Slot): void {
  clearTimeout(slot.timer);
  slot.process?.kill('SIGKILL');
  slot.process = null;
  slot.job = null;
}

function pastDeadline(deadlineMs: number, { name = 'image' }: DecodeOptions): CrosscheckError {
  const message = `expected a picture that is decoded within ${deadlineMs} ms, waiting included; this one was not (${name}); send a smaller one, or try again later`;
  return new CrosscheckError('CROSSCHECK_IMAGE_DEADLINE', message);
}

function tooMuchWork(ms: number, { name = 'image' }: DecodeOptions): CrosscheckError {
  const message = `expected a picture that is decoded within ${ms} ms; this one was not (${name}); save it again as JPEG or PNG, or allow more time`;
  return new CrosscheckError('CROSSCHECK_IMAGE_DEADLINE', message);
}

function decoderEnded({ name = 'image' }: DecodeOptions): CrosscheckError {
  const message = `expected the decoder to answer, but its process ended (${name}); try again`;
  return new CrosscheckError('CROSSCHECK_IMAGE_DECODER_ENDED', message);
}
