import path from 'node:path';
import type { SweepJob } from '../command.ts';
import { describeNext } from '../next-command.ts';

/** Jobs from best to worst by one metric, where it is the same by the loss on the same posts; jobs without it come last. */
export function sortJobs(
  jobs: readonly SweepJob[],
  metric: string | null,
  direction: 'maximize' | 'minimize',
): SweepJob[] {
  if (metric === null) return [...jobs];
  const sign = direction === 'maximize' ? -1 : 1;
  const rank = (job: SweepJob) => {
    const value = job.status === 'finished' ? job.metrics[metric] : undefined;
    return value === undefined || Number.isNaN(value) ? Number.POSITIVE_INFINITY : sign * value;
  };
  const lossOf = ({ metrics }: SweepJob) => metrics[`${splitOf(metric)}loss`] ?? Number.POSITIVE_INFINITY;
  return jobs.toSorted((a, b) => {
    const [x, y] = [rank(a), rank(b)];
    if (x !== y) return x - y;
    const byLoss = lossOf(a) - lossOf(b);
    return Number.isNaN(byLoss) || byLoss === 0 ? a.number - b.number : byLoss;
  });
}

/** `val/` of `val/accuracy`. */
const splitOf = (metric: string | null) => (metric?.includes('/') ? metric.slice(0, metric.indexOf('/') + 1) : '');

const shownMetrics = 4;

/** The chosen metric, then those of the same split (`val/…`), then the others. */
function chooseColumns(names: readonly string[], metric: string | null): string[] {
  const split = splitOf(metric);
  const rank = (name: string) => (name === metric ? 0 : name.startsWith(split) ? 1 : 2);
  return names.toSorted((a, b) => rank(a) - rank(b)).slice(0, shownMetrics);
}

/** The summary of a sweep as aligned text: best first, the chosen metric before the others. */
export function sweepTable(jobs: readonly SweepJob[], metric: string | null): string {
  const columns = chooseColumns([...new Set(jobs.flatMap((job) => Object.keys(job.metrics)))], metric);
  const shared = sharedOverrides(jobs);
  const header = ['job', 'status', ...columns, 'seconds', 'overrides'];
  const rows = jobs.map((job) => [
    `#${job.number}`,
    job.status,
    ...columns.map((name) => numberText(job.metrics[name])),
    job.seconds.toFixed(1),
    nameOf(job, shared) + (job.error === null ? '' : `  ${firstLine(job.error)}`),
  ]);
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] as string).length)),
  );
  const line = (cells: string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] as number))
      .join('  ')
      .trimEnd();
  return [line(header), ...rows.map(line)].join('\n');
}

/** The last line of a sweep in which jobs are missing: how many, and why most of them. */
export function describeUnfinished(jobs: readonly SweepJob[]): string {
  const kinds = (['failed', 'interrupted', 'skipped'] as const).flatMap((status) => {
    const count = jobs.filter((job) => job.status === status).length;
    return count === 0 ? [] : [`${count} ${status}`];
  });
  const failed = jobs.filter(({ status }) => status === 'failed');
  const reasons = Object.values(Object.groupBy(failed, ({ code, error }) => code ?? firstLine(error ?? '')));
  const commonest = reasons.toSorted((a, b) => (b?.length ?? 0) - (a?.length ?? 0))[0];
  const why = commonest?.[0] ? `; most often (${commonest.length}): ${reasonOf(commonest[0])}` : '';
  return `${kinds.join(', ')} of ${jobs.length} jobs${why}`;
}

function reasonOf({ code, error }: SweepJob): string {
  const text = firstLine(error ?? '');
  return code === null || code === 'UNEXPECTED' ? text : `${code}: ${text}`;
}

/** A job is known by what it does not share with all others. */
export const nameOf = ({ overrides }: Pick<SweepJob, 'overrides'>, shared: ReadonlySet<string>) =>
  overrides.filter((override) => !shared.has(override)).join(' ');

/** Where the best job left its checkpoint, and how to go on with it. */
export function describeBest(sorted: readonly SweepJob[]): string[] {
  const [best] = sorted;
  if (best?.status !== 'finished' || best.checkpoint === undefined) return [];
  const name = nameOf(best, sharedOverrides(sorted));
  const file = path.relative('.', best.checkpoint);
  return [`best: #${best.number} ${name}`.trimEnd(), `best checkpoint: ${file}`, ...describeNext(best.next ?? [])];
}

/** Overrides that every job has tell nothing apart. */
export function sharedOverrides(jobs: readonly Pick<SweepJob, 'overrides'>[]): Set<string> {
  const [first, ...others] = jobs;
  if (first === undefined || others.length === 0) return new Set();
  return new Set(first.overrides.filter((override) => others.every((job) => job.overrides.includes(override))));
}

function numberText(value: number | undefined): string {
  if (value === undefined) return '-';
  return Number.isInteger(value) ? String(value) : value.toPrecision(4);
}

function firstLine(text: string): string {
  return text.split('\n')[0] as string;
}
