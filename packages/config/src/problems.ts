import { CrosscheckError, type ErrorCode } from '@crosscheck/contract';
import { HydraError, type HydraErrorCode, listProblems } from '@crosscheck/hydra';

/** One thing that is wrong with a config; several of them become one error. */
export interface Problem {
  code: ErrorCode;
  message: string;
}

export function fail(code: ErrorCode, message: string): never {
  throw new CrosscheckError(code, message);
}

/** Runs `body`; an error of the configs becomes an entry of `problems`, anything else goes on. */
export function collect(problems: Problem[], body: () => void): void {
  try {
    withOurErrors(body);
  } catch (error) {
    if (!(error instanceof CrosscheckError)) throw error;
    problems.push({ code: error.code, message: error.message });
  }
}

/** Throws everything that was collected: alone with its own code, together as CROSSCHECK_CONFIG_INVALID. */
export function throwProblems(problems: readonly Problem[]): void {
  const [first, ...others] = problems;
  if (first === undefined) return;
  if (others.length === 0) fail(first.code, first.message);
  fail('CROSSCHECK_CONFIG_INVALID', `the config has ${listProblems(problems)}`);
}

/** Runs what composes; Hydra's errors come out as Crosscheck's. */
export function withOurErrors<T>(body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (!(error instanceof HydraError)) throw error;
    if (error.problems.length > 1) throwProblems(error.problems.map(asOurs));
    throw new CrosscheckError(ourCode(error.code), error.message, { cause: error });
  }
}

export const asOurs = ({ code, message }: { code: HydraErrorCode; message: string }): Problem => ({
  code: ourCode(code),
  message,
});

const ourCode = (code: HydraErrorCode): ErrorCode => `CROSSCHECK_CONFIG_${code}`;
