/** What can be wrong with configs and overrides; the codes keep their meaning. */
export const hydraErrorCodes = [
  'BAD_OVERRIDE',
  'BAD_YAML',
  'DEFAULTS',
  'INTERPOLATION',
  'INVALID',
  'KEY_EXISTS',
  'MISSING',
  'NOT_FOUND',
  'SEARCH_PATH',
  'SWEEP',
  'TYPE',
  'UNKNOWN_GROUP',
  'UNKNOWN_KEY',
  'UNKNOWN_OPTION',
  'VALUE',
] as const;

export type HydraErrorCode = (typeof hydraErrorCodes)[number];

/** One thing that is wrong with a config; several of them become one error. */
export interface HydraProblem {
  code: HydraErrorCode;
  message: string;
}

/** The only error class of this package. Several problems come as one error with the code `INVALID`, listed in `problems`. */
export class HydraError extends Error {
  readonly code: HydraErrorCode;
  readonly problems: readonly HydraProblem[];

  constructor(code: HydraErrorCode, message: string, options: { cause?: unknown; problems?: HydraProblem[] } = {}) {
    const { problems = [{ code, message }], ...rest } = options;
    super(message, rest);
    this.name = 'HydraError';
    this.code = code;
    this.problems = problems;
  }
}

export function fail(code: HydraErrorCode, message: string): never {
  throw new HydraError(code, message);
}

/** Runs `body`; an error of ours becomes an entry of `problems`, anything else goes on. */
export function collect(problems: HydraProblem[], body: () => void): void {
  try {
    body();
  } catch (error) {
    if (!(error instanceof HydraError)) throw error;
    problems.push({ code: error.code, message: error.message });
  }
}

/** Throws everything that was collected: alone with its own code, together as INVALID. */
export function throwProblems(problems: HydraProblem[]): void {
  const [first, ...others] = problems;
  if (first === undefined) return;
  if (others.length === 0) fail(first.code, first.message);
  throw new HydraError('INVALID', `the config has ${listProblems(problems)}`, { problems });
}

/** `3 problems:` and a line for each, with its code at the end. */
export function listProblems(problems: readonly { code: string; message: string }[]): string {
  const list = problems.map((problem) => `- ${problem.message.replaceAll('\n', '\n  ')} [${problem.code}]`);
  return `${problems.length} problems:\n${list.join('\n')}`;
}
