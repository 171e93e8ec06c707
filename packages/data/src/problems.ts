import { CrosscheckError, type ErrorCode } from '@crosscheck/contract';

/** What to do with a row or picture that cannot be used: leave it out and count it, or stop. */
export type OnBadSample = 'skip' | 'error';

/** One row of a manifest that cannot be used, and why. */
export interface SampleProblem {
  /** The manifest, as it was named by the caller. */
  file: string;
  /** 1-based physical line on which the row begins. */
  line: number;
  code: ErrorCode;
  message: string;
  /** The row's own cells, where it had as many as the header has names. */
  row?: Record<string, string>;
}

const SHOWN = 5;

/** How rows can be left out, where they can. */
const usualRemedy = 'leave them out with data.on_bad_sample=skip';

/**
 * One error for all problems: the first several in full, how many more there are, and advice for their kind.
 *
 * @param remedy besides repairing them; null where there is none
 */
export function problemsError(
  problems: readonly SampleProblem[],
  advice = '',
  remedy: string | null = usualRemedy,
): CrosscheckError {
  const codes = new Set(problems.map((problem) => problem.code));
  const [first] = problems;
  const code = codes.size === 1 && first ? first.code : 'CROSSCHECK_DATA_BAD_SAMPLES';
  return new CrosscheckError(code, describeProblems(problems, advice, remedy));
}

/** The first several problems, one a line, and how many more there are. */
export function describeProblems(
  problems: readonly SampleProblem[],
  advice = '',
  remedy: string | null = usualRemedy,
): string {
  const or = remedy === null ? '' : `, or ${remedy}`;
  const shown = problems.slice(0, SHOWN).map((problem) => problem.message);
  const more = problems.length - shown.length;
  if (problems.length === 1) return `${shown[0]}; ${advice && `${advice}; `}repair the row${or.replace('them', 'it')}`;
  return [
    `${problems.length} rows cannot be used:`,
    ...shown.map((message) => `  ${message}`),
    ...(more > 0 ? [`  and ${more} more`] : []),
    `Repair these rows${or}.${advice === '' ? '' : ` ${advice[0]?.toUpperCase()}${advice.slice(1)}.`}`,
  ].join('\n');
}
