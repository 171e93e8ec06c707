import { CrosscheckError } from '@crosscheck/contract';
import { type Fate, fates } from './fates.ts';
import type { LedgerEntry } from './ledger.ts';

/** Fates that say nothing against a row's image or words. */
const harmless: readonly Fate[] = ['kept', 'duplicate_id', 'no_label'];

/**
 * Ends a command whose rows failed: more than `maxFailedShare` of them, or all.
 *
 * @param ledger where every row's fate stands
 * @throws CROSSCHECK_DATA_TOO_MANY_FAILED
 */
export function requireKept(entries: readonly LedgerEntry[], maxFailedShare: number, ledger: string): void {
  const failed = entries.filter(({ fate }) => !harmless.includes(fate));
  const isNothing = entries.length > 0 && entries.every(({ fate }) => fate !== 'kept');
  if (!isNothing && failed.length <= maxFailedShare * entries.length) return;
  const usable = isNothing ? 0 : entries.length - failed.length;
  const wanted = isNothing
    ? 'one row'
    : `${Number((100 * (1 - maxFailedShare)).toFixed(2))} % of the rows (max_failed_share)`;
  throw new CrosscheckError(
    'CROSSCHECK_DATA_TOO_MANY_FAILED',
    `expected at least ${wanted} to be usable, got ${usable} of ${entries.length}; ${describeLost(isNothing ? entries : failed)}. No CSV was written; every row's fate is in ${ledger}`,
  );
}

function describeLost(lost: readonly LedgerEntry[]): string {
  const byFate = Object.entries(Object.groupBy(lost, ({ fate }) => fate));
  const [fate = '', rows = []] = byFate.sort(([, a], [, b]) => (b?.length ?? 0) - (a?.length ?? 0))[0] ?? [];
  const example = rows.find(({ detail }) => detail !== '')?.detail;
  const mayComeBack = lost.filter((entry) => !fates[entry.fate].final).length;
  return [
    `most often: ${fate}, ${rows.length} rows${example ? `, such as: ${example}` : ''}`,
    ...(mayComeBack > 0 ? [`${mayComeBack} of them failed in a way that may pass: run it again to go on`] : []),
  ].join('; ');
}
