/** What went wrong, beside MLflow's own words: where the request went and what the server answered with. */
export interface MlflowErrorDetails {
  /** HTTP status of the answer; null when there was no answer. */
  status?: number | null;
  /** `POST https://host/api/…`, without credentials. */
  request?: string | null;
  cause?: unknown;
}

/**
 * The only error class of this package.
 *
 * `errorCode` is MLflow's own (`RESOURCE_DOES_NOT_EXIST`, `INVALID_PARAMETER_VALUE`, …) when a server answered. Without an answer it is
 * one of `CONNECTION_FAILED`, `CONNECTION_CLOSED`, `REQUEST_TIMEOUT`, `TLS_FAILED`, `REDIRECTED`, `BAD_RESPONSE`, `UNSUPPORTED_URI`, `UNSUPPORTED_RUNTIME`
 * or, for values refused before they are sent, `INVALID_PARAMETER_VALUE`.
 */
export class MlflowError extends Error {
  readonly errorCode: string;
  readonly status: number | null;
  readonly request: string | null;

  constructor(errorCode: string, message: string, details: MlflowErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'MlflowError';
    this.errorCode = errorCode;
    this.status = details.status ?? null;
    this.request = details.request ?? null;
  }
}

/** True for an MlflowError, optionally only for the given codes. */
export function isMlflowError(error: unknown, ...errorCodes: string[]): error is MlflowError {
  return error instanceof MlflowError && (errorCodes.length === 0 || errorCodes.includes(error.errorCode));
}

/** The answers that MLflow's Python client repeats (mlflow/utils/request_utils.py). */
const RETRIED_STATUSES: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);

/** True when the server could not be reached, gave up half way or asked to come back later: the same request may work another time. */
export function isTemporary(error: unknown): boolean {
  if (!(error instanceof MlflowError)) return false;
  if (error.status !== null) return RETRIED_STATUSES.has(error.status);
  return error.errorCode === 'CONNECTION_FAILED' || error.errorCode === 'REQUEST_TIMEOUT';
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
