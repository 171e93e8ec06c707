import { labelNames } from '@crosscheck/contract';
import type { LedgerEntry } from './ledger.ts';

/** How many rows of a kind were kept. */
export interface Survival {
  name: string;
  rows: number;
  kept: number;
  /** kept / rows. */
  share: number;
}

export interface SurvivalReport {
  overall: Survival;
  byClass: Survival[];
  /** The largest first. */
  byDomain: Survival[];
  /** Per class within each domain: shows whether it is the host that decides. */
  byDomainAndClass: Survival[];
  byFate: { fate: string; rows: number }[];
  /** Difference of the classes' shares. */
  gap: number;
  /** Two-sided p-value of that difference being chance. */
  pValue: number;
}

/** Counts who survived, by class and by domain. Rows without a usable label count overall only. */
export function computeSurvival(entries: readonly LedgerEntry[]): SurvivalReport {
  const labelled = entries.filter(({ label }) => label !== null);
  const className = ({ label }: LedgerEntry) => labelNames[label ?? 0];
  const byClass = countBy(labelled, className).sort((a, b) => (a.name < b.name ? 1 : -1));
  const fates = Object.entries(Object.groupBy(entries, ({ fate }) => fate));
  return {
    overall: count('all', entries),
    byClass,
    byDomain: countBy(entries, ({ domain }) => domain).sort(largestFirst),
    byDomainAndClass: countBy(labelled, (entry) => `${entry.domain} ${className(entry)}`).sort(largestFirst),
    byFate: fates.map(([fate, rows]) => ({ fate, rows: rows.length })).sort((a, b) => b.rows - a.rows),
    ...compareClasses(byClass),
  };
}

function countBy(entries: readonly LedgerEntry[], nameOf: (entry: LedgerEntry) => string): Survival[] {
  return [...Map.groupBy(entries, nameOf)].map(([name, rows]) => count(name, rows));
}

function count(name: string, entries: readonly LedgerEntry[]): Survival {
  const kept = entries.filter(({ fate }) => fate === 'kept').length;
  return { name, rows: entries.length, kept, share: entries.length === 0 ? 0 : kept / entries.length };
}

const largestFirst = (a: Survival, b: Survival) => b.rows - a.rows || (a.name < b.name ? -1 : 1);

/** Two-proportion z-test with pooled variance. */
function compareClasses(classes: readonly Survival[]): { gap: number; pValue: number } {
  const [a, b] = classes;
  if (!a || !b) return { gap: 0, pValue: 1 };
  const gap = Math.abs(a.share - b.share);
  const pooled = (a.kept + b.kept) / (a.rows + b.rows);
  const error = Math.sqrt(pooled * (1 - pooled) * (1 / a.rows + 1 / b.rows));
  return { gap, pValue: error === 0 ? 1 : erfc(gap / error / Math.SQRT2) };
}

/** Complementary error function for x ≥ 0 (Abramowitz and Stegun 7.1.26; absolute error below 1.5e-7). */
function erfc(x: number): number {
  const t = 1 / (1 + 0.3275911 * x);
  const factors = [0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429];
  return factors.reduceRight((sum, factor) => (sum + factor) * t, 0) * Math.exp(-x * x);
}

/** A gap below this is not worth a warning, however certain. */
const SMALL_GAP = 0.02;
const UNLIKELY = 0.01;

/** What to think of survival that differs by class; null when it does not. */
export function survivalWarning({ gap, pValue, byClass }: SurvivalReport): string | null {
  if (gap < SMALL_GAP || pValue > UNLIKELY) return null;
  const shares = byClass.map(({ name, share }) => `${(share * 100).toFixed(1)} % of ${name}`).join(', ');
  const chance = pValue < 1e-6 ? 'p < 0.000001' : `p = ${pValue.toFixed(6)}`;
  return (
    `Survival differs by class: ${shares} rows were kept (${chance}). What is missing is not missing at random: class shares differ from ` +
    'the source, and the host of a picture hints at its label. Run again later for rows that may come back, compare the table by domain, ' +
    'and quote results per class.'
  );
}

/** The report as text for a terminal. */
export function describeSurvival(report: SurvivalReport, domains = 12): string {
  const line = ({ name, rows, kept, share }: Survival) =>
    `  ${name.slice(0, 36).padEnd(36)} ${String(kept).padStart(8)} of ${String(rows).padStart(8)}  ${(share * 100).toFixed(1).padStart(5)} %`;
  const more = report.byDomain.length - domains;
  return [
    'kept rows',
    line(report.overall),
    'by class',
    ...report.byClass.map(line),
    'by domain',
    ...report.byDomain.slice(0, domains).map(line),
    ...(more > 0 ? [`  and ${more} more in survival.json`] : []),
    'by fate',
    ...report.byFate.map(({ fate, rows }) => `  ${fate.padEnd(36)} ${String(rows).padStart(8)}`),
  ].join('\n');
}
