import { CrosscheckError } from '@crosscheck/contract';

export function notFound(place: string, cause?: unknown): CrosscheckError {
  return new CrosscheckError('CROSSCHECK_STORAGE_NOT_FOUND', `expected an object at ${place}, found nothing`, {
    cause,
  });
}

export function denied(place: string, status: number, reason: string): CrosscheckError {
  const message = `expected to be let in to ${place}, got ${status}${reason}; check the credentials and their rights (without the right to list, an object that does not exist is refused in the same way)`;
  return new CrosscheckError('CROSSCHECK_STORAGE_DENIED', message);
}

export function unreachable(place: string, reason: string, cause?: unknown): CrosscheckError {
  const message = `expected an answer from ${place}, got ${reason}; check the network, the address and proxies, then run it again`;
  return new CrosscheckError('CROSSCHECK_STORAGE_UNREACHABLE', message, { cause });
}

export function writeFailed(place: string, reason: string, cause?: unknown): CrosscheckError {
  return new CrosscheckError('CROSSCHECK_STORAGE_WRITE_FAILED', `cannot write ${place}: ${reason}`, { cause });
}
