import { CrosscheckError } from '@crosscheck/contract';

/** What ends a run whose workers are not all there any more; it can be continued. */
export const lostError = (what: string, cause?: unknown): CrosscheckError =>
  new CrosscheckError(
    'CROSSCHECK_WORKERS_LOST',
    `${what}; what was saved stays: start all workers again, with training.resume=<run folder> to go on from there`,
    cause === undefined ? undefined : { cause },
  );
