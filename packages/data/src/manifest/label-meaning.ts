import { CrosscheckError } from '@crosscheck/contract';
import type { Sample } from './rows.ts';

/** Fakeddit's own column: 1 is a true post there, and 0 here. */
const fakedditLabel = '2_way_label';

/**
 * Refuses a CSV whose labels mean the opposite of ours, as far as it shows: Fakeddit's label column itself, or labels that agree with it beside it.
 *
 * @throws CROSSCHECK_DATA_LABEL_MEANING
 */
export function requireOurLabels(file: string, labelColumn: string, samples: readonly Sample[]): void {
  if (labelColumn === fakedditLabel) throw meaningError(file, `its column "${fakedditLabel}" says 1 for true posts`);
  const both = samples.filter(({ row, label }) => label !== null && /^[01](\.0)?$/.test(row[fakedditLabel] ?? ''));
  const alike = both.filter(({ row, label }) => Number(row[fakedditLabel]) === label);
  if (alike.length <= both.length / 2) return;
  const what = `${alike.length} of ${both.length} rows have the label of Fakeddit's "${fakedditLabel}", where 1 is a true post`;
  throw meaningError(file, what);
}

function meaningError(file: string, what: string): CrosscheckError {
  return new CrosscheckError(
    'CROSSCHECK_DATA_LABEL_MEANING',
    `expected 0 = REAL and 1 = FAKE in ${file}, but ${what}; make the CSV with \`pnpm data:fakeddit\`, which turns them around`,
  );
}
