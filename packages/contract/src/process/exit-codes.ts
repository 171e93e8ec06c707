import { CrosscheckError, isCrosscheckError } from '../errors/errors.ts';
import { asFileError } from '../errors/system-errors.ts';
import type { ErrorCode } from '../errors/table.ts';
import { isInterruption, stopSignal, stopSignals } from './signals.ts';

/** Exit codes of every command; an interrupted one ends with those of `stopSignals`. `tryAgain`: nothing is wrong with what was asked for. */
export const exitCodes = { done: 0, failed: 1, wrongUsage: 2, tryAgain: 75 } as const;

/** Codes that say: what was typed or configured is wrong, and nothing was begun. */
const usageCode = /^CROSSCHECK_(CLI_|CONFIG_(?!RUN_FOLDER)|(DATA|DVC)_BAD_OPTION$|TENSORFLOW_UNKNOWN_FLAVOR$)/;

/** Node's own parser of arguments says what is wrong with them by such codes. */
const isParserError = (error: unknown) =>
  error instanceof TypeError && String((error as NodeJS.ErrnoException).code).startsWith('ERR_PARSE_ARGS');

export const isUsageError = (error: unknown): boolean =>
  (error instanceof CrosscheckError && usageCode.test(error.code)) || isParserError(error);

export function exitCodeOf(error: unknown): number {
  const signal = stopSignal();
  if (signal !== null && isInterruption(error)) return stopSignals[signal];
  if (isCrosscheckError(error, 'CROSSCHECK_WORKERS_LOST')) return exitCodes.tryAgain;
  return isUsageError(error) ? exitCodes.wrongUsage : exitCodes.failed;
}

/** An error as one of ours where it can be: a file or disk that refuses is one, whoever met it. */
export function asKnownError(error: unknown): unknown {
  return error instanceof CrosscheckError ? error : (asFileError(error) ?? error);
}

/** Code and message of an expected error; the whole stack of any other, or with HYDRA_FULL_ERROR=1. */
export function describeError(thrown: unknown): string {
  const error = asKnownError(thrown);
  const isFull = process.env['HYDRA_FULL_ERROR'] === '1';
  if (error instanceof CrosscheckError && !isFull) return `${error.code}: ${error.message}`;
  if (!(error instanceof Error)) return String(error);
  if (isParserError(error))
    return `${'CROSSCHECK_CLI_FLAG' satisfies ErrorCode}: ${error.message}; --help lists the flags`;
  const cause = error.cause instanceof Error ? `\ncaused by: ${error.cause.stack}` : '';
  return `${error.stack ?? error.message}${cause}`;
}
