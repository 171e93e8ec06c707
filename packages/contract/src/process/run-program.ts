import { setImmediate } from 'node:timers/promises';
import { rememberGiven } from '../secrets.ts';
import { describeError, exitCodeOf, exitCodes } from './exit-codes.ts';
import { endedEarly, failWaiting, settle } from './settle.ts';
import { interrupted, onStop, stopSignal, stopSignals, watchSignals } from './signals.ts';
import { hasLostOutput, outliveTerminal, printError } from './terminal.ts';

export interface ProgramOptions {
  /** `'own'`: the command answers signals itself, as a service does. @default 'stop' */
  signals?: 'stop' | 'own';
  /** How long work may take to end by itself after a signal; what is left of it is then dropped. @default 10,000 */
  patienceMs?: number;
}

/**
 * The whole life of a command's process, the same for every command: a closed terminal ends nothing, a signal asks it to stop and to say so by its
 * exit code, an error is told and counts as one, and work that nobody can finish any more is an error too.
 *
 * @param main resolves to the exit code; nothing is 0
 */
export async function runProgram(main: () => Promise<number | void>, options: ProgramOptions = {}): Promise<void> {
  outliveTerminal();
  rememberGiven(process.argv.slice(2), process.env);
  let mustExit = false;
  const release = watchProcess(options, () => (mustExit = true));
  let code: number;
  try {
    code = (await settle(main)) ?? Number(process.exitCode ?? exitCodes.done);
  } catch (error) {
    printError(describeError(error));
    code = exitCodeOf(error);
  }
  await setImmediate(); // a terminal's errors come after what was written to it
  const signal = stopSignal();
  if (signal !== null) code = stopSignals[signal];
  else if (code === exitCodes.done && hasLostOutput()) code = exitCodes.failed;
  release();
  // What was dropped may still hold on to the process.
  if (mustExit || signal !== null) process.exit(code);
  process.exitCode = code;
}

/** @returns takes the watches away */
function watchProcess({ signals = 'stop', ...options }: ProgramOptions, onDropped: () => void): () => void {
  const drop = (reason: unknown) => {
    onDropped();
    if (!failWaiting(reason)) throw reason;
  };
  const end = () => drop(endedEarly());
  process.on('beforeExit', end).on('uncaughtException', drop);
  const releaseSignals = signals === 'own' ? () => {} : obeySignals(options, drop);
  return () => {
    releaseSignals();
    process.off('beforeExit', end).off('uncaughtException', drop);
  };
}

function obeySignals({ patienceMs = 10_000 }: ProgramOptions, drop: (reason: unknown) => void): () => void {
  let patience: NodeJS.Timeout | undefined;
  const release = watchSignals((signal) => process.exit(stopSignals[signal]));
  const forget = onStop((signal, isRepeated) => {
    if (isRepeated) return;
    printError(`${signal}: stopping, and keeping what can be kept; once more to stop at once`);
    // Work that looks for signals ends itself; other work is dropped where it stands.
    if (Number.isFinite(patienceMs)) patience = setTimeout(() => drop(interrupted(signal)), patienceMs);
  });
  return () => {
    clearTimeout(patience);
    forget();
    release();
  };
}
