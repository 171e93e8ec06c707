import { CrosscheckError } from '@crosscheck/contract';

export function invalidBatch(what: string): CrosscheckError {
  return new CrosscheckError(
    'CROSSCHECK_MODEL_BATCH_INVALID',
    `${what}; batches come from a loader of @crosscheck/data`,
  );
}
