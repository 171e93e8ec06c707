import { CrosscheckError, type ErrorCode } from '@crosscheck/contract';
import { formatDiagnoses, wilsonInterval } from '@crosscheck/evaluation';
import { describeUnknownWords } from '@crosscheck/posts';
import type { Labelled } from './labelled.ts';
import type { BatchSummary, Failure } from './tally.ts';

/** The commonest reason why rows failed, with its first row's message. */
export function describeFailures([first, ...others]: readonly Failure[]): string | null {
  if (first === undefined) return null;
  const more = others.map(({ code, rows }) => `${code}, ${rows} row${rows === 1 ? '' : 's'}`);
  const rest = more.length === 0 ? '' : `; then ${more.join('; ')}`;
  return `${first.code}, ${first.rows} row${first.rows === 1 ? '' : 's'}, the first: ${first.message}${rest}`;
}

/**
 * Ends a command whose rows failed: more than `maxFailedShare` of them, or all. What was judged is written before.
 *
 * @throws CROSSCHECK_INFER_ROWS_FAILED, CROSSCHECK_SCORE_ROWS_FAILED
 */
export function requireEnough(
  { total, failed, failures }: Pick<BatchSummary, 'total' | 'failed' | 'failures'>,
  { code, key, maxFailedShare, output }: { code: ErrorCode; key: string; maxFailedShare: number; output: string },
): void {
  if (failed === 0 || (failed < total && failed <= maxFailedShare * total)) return;
  const reason = describeFailures(failures);
  const allowed =
    maxFailedShare < 1
      ? `at most ${Number((100 * maxFailedShare).toFixed(2))} % of the rows to fail (${key})`
      : 'at least one row to be judged';
  const message = `expected ${allowed}, but ${failed} of ${total} failed${reason === null ? '' : `; most often ${reason}`}. They stand as ERROR in ${output}`;
  throw new CrosscheckError(code, message);
}

/** The lines that close a batch, as the original prints them and with what it leaves out. */
export function* summaryLines(
  summary: BatchSummary,
  { outputFile, nRows }: { outputFile: string; nRows: number },
): Generator<string> {
  const { total, rest, fake, real, unsure, failed, failures, averageConfidence, respelt } = summary;
  const labelled = summary.labelled();
  yield* formatDiagnoses(labelled.diagnoses);
  yield '=== Prediction Summary ===';
  yield `Total samples: ${total}`;
  yield `Predicted FAKE: ${fake}`;
  yield `Predicted REAL: ${real}`;
  if (unsure > 0) yield `Unsure: ${unsure}`;
  if (failed > 0) yield `Failed rows: ${failed}`;
  if (failed < total) yield `Average confidence: ${averageConfidence.toFixed(4)}`;
  if (rest.problem !== null)
    yield `Only the first ${total} rows were read (inference.batch.n_rows=${nRows}); the rest of the file cannot be: ${rest.problem}`;
  else if (rest.rows > 0)
    yield `${total} of ${rest.isWhole ? '' : 'at least '}${total + rest.rows} rows (inference.batch.n_rows=${nRows}; -1 = all)`;
  if (failures.length > 0) yield `Most often: ${describeFailures(failures)}`;
  yield* accuracyLines(labelled);
  if (respelt > 0)
    yield `${respelt} image paths are spelt otherwise than their files (another Unicode form, or backslashes) and were found all the same`;
  yield `Predictions saved to: ${outputFile}`;
}

function* accuracyLines({ real, fake, right, unknown, fault }: Labelled): Generator<string> {
  const rows = real + fake;
  if (fault !== null) yield `Accuracy is not given: ${fault}`;
  else if (rows > 0) {
    const { value, low, high } = wilsonInterval(right, rows);
    yield `Accuracy: ${value.toFixed(4)} [${low.toFixed(4)}, ${high.toFixed(4)}] (95 % interval; ${rows} rows with a label and a verdict, ${real} REAL and ${fake} FAKE)`;
  }
  if (unknown.size > 0) yield `Labels that are not known: ${describeUnknownWords(unknown, 'data.')}`;
}
