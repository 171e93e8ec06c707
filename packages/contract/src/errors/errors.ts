import type { ErrorCode } from './table.ts';

/**
 * The only error class that Crosscheck throws on purpose. The message says what was expected, what came, where, and what to do.
 *
 * @example throw new CrosscheckError('CROSSCHECK_DATA_BAD_LABEL', 'label must be 0 or 1, got "2" (train.csv:17); fix or remove the row');
 */
export class CrosscheckError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'CrosscheckError';
    this.code = code;
  }
}

/** True for errors that carry the given code (or any Crosscheck code when none is given). */
export function isCrosscheckError(error: unknown, code?: ErrorCode): error is CrosscheckError {
  return error instanceof CrosscheckError && (code === undefined || error.code === code);
}

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
