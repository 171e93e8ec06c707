import { CrosscheckError, type ErrorCode } from '@crosscheck/contract';

/** One thing that is wrong with a config; several of them become one error. */
export interface Problem {
  code: ErrorCode;
  message: string;
}

export function fail(code: ErrorCode, message: string): never {
  throw new CrosscheckError(code, message);
}

/** Runs `body`; an error of ours becomes an entry of `problems`, anything else goes on. */
export function collect(problems: Problem[], body: () => void): void {
  try {
    body();
  } catch (error) {
    if (!(error instanceof CrosscheckError)) throw error;
    problems.push({ code: error.code, message: error.message });
  }
}

/** Throws everything that was collected: alone with its own code, together as CROSSCHECK_CONFIG_INVALID. */
export function throwProblems(problems: Problem[]): void {
  const [first, ...others] = problems;
  if (first === undefined) return;
  if (others.length === 0) fail(first.code, first.message);
  const list = problems.map((problem) => `- ${problem.message.replaceAll('\n', '\n  ')} [${problem.code}]`);
  fail('CROSSCHECK_CONFIG_INVALID', `the config has ${problems.length} problems:\n${list.join('\n')}`);
}
