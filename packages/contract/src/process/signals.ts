import type { ChildProcess } from 'node:child_process';
import { CrosscheckError, isCrosscheckError } from '../errors/errors.ts';

/** The signals that end a command, with the exit codes that shells know them by. */
export const stopSignals = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

export type StopSignal = keyof typeof stopSignals;

/** Told at every signal: which one, and whether it came again. Answering `'ends'` to a repeated one means: I end by myself, let me. */
export type StopListener = (signal: StopSignal, isRepeated: boolean) => 'ends' | void;

/**
 * One Ctrl-C can arrive twice, from the terminal and from the package manager that passes it on; a closing terminal sends SIGHUP twice. What
 * comes again this soon is the same request.
 */
const sameRequestMs = 1000;

const listeners = new Set<StopListener>();
let received: StopSignal | null = null;
let isAnswered = false;

/** The signal that asked this process to stop; null while none has. */
export const stopSignal = (): StopSignal | null => received;

/** Calls `listener` when a signal asks the process to stop. @returns takes it back */
export function onStop(listener: StopListener): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/** The place where long work may be left: between rows, batches, downloads. @throws CROSSCHECK_COMMAND_INTERRUPTED */
export function throwIfStopped(): void {
  if (received !== null && !isAnswered) throw interrupted(received);
}

/** Says that the work has been stopped as asked: what is done after it, to keep what is there, is not left any more. */
export function answerStop(): void {
  isAnswered = received !== null;
}

/** Takes a signal that another process of the same work was given for one that this process was given. */
export function shareStop(signal: StopSignal): void {
  received ??= signal;
}

/** Passes requests to stop on to a child as long as it runs; a repeated one ends that at once, and this process after it. */
export function passStopsTo(child: ChildProcess): void {
  const forget = onStop((signal) => {
    child.kill(signal);
    return 'ends';
  });
  child.once('close', forget).once('error', forget);
}

export function interrupted(signal: StopSignal): CrosscheckError {
  return new CrosscheckError('CROSSCHECK_COMMAND_INTERRUPTED', `ended by ${signal} before it was done`);
}

export const isInterruption = (error: unknown): boolean => isCrosscheckError(error, 'CROSSCHECK_COMMAND_INTERRUPTED');

/**
 * Takes signals as requests to stop: the first is noted, for whoever looks (`stopSignal`, `throwIfStopped`) or listens (`onStop`).
 *
 * @param endNow called at a repeated one
 * @returns lets signals do what they do by themselves again
 */
export function watchSignals(endNow: (signal: StopSignal) => void): () => void {
  [received, isAnswered] = [null, false];
  let firstAt = 0;
  const handle = (signal: NodeJS.Signals) => {
    const [first, now] = [received, performance.now()];
    if (first === signal && now - firstAt < sameRequestMs) return;
    received ??= signal as StopSignal;
    firstAt = first === null ? now : firstAt;
    const answers = [...listeners].map((listener) => listener(signal as StopSignal, first !== null));
    if (first !== null && !answers.includes('ends')) endNow(first);
  };
  for (const signal of Object.keys(stopSignals)) process.on(signal, handle);
  return () => {
    [received, isAnswered] = [null, false];
    for (const signal of Object.keys(stopSignals)) process.off(signal, handle);
  };
}
