import { CrosscheckError } from '../errors/errors.ts';

/** What waits now, the innermost last: one failure that belongs to nobody ends that. */
const waiting: ((reason: unknown) => void)[] = [];

/**
 * Waits for `work`, and no longer than this process can do anything for it. While `runProgram` runs, it rejects when the event loop runs empty
 * first (a thread, a socket or a stream that nobody keeps alive) or when something fails that nobody waits for.
 *
 * @throws CROSSCHECK_COMMAND_ENDED_EARLY
 */
export async function settle<T>(work: () => Promise<T>): Promise<T> {
  const { promise: failure, reject } = Promise.withResolvers<never>();
  waiting.push(reject);
  try {
    return await Promise.race([work(), failure]);
  } finally {
    waiting.splice(waiting.lastIndexOf(reject), 1);
  }
}

/** Ends what waits. @returns false when nothing does */
export function failWaiting(reason: unknown): boolean {
  waiting.at(-1)?.(reason);
  return waiting.length > 0;
}

export function endedEarly(): CrosscheckError {
  const message =
    'the work was not finished, and nothing was left that could finish it: a thread, a connection or a file went away without an answer. ' +
    'Nothing more was written. Please report it with the command line; training.num_workers=0 loads without threads';
  return new CrosscheckError('CROSSCHECK_COMMAND_ENDED_EARLY', message);
}
