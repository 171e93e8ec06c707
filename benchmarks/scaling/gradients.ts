import { readFileSync } from 'node:fs';
import { parse } from 'csv-parse/sync';

/** What `pnpm bench:scaling` saw of a step. */
export interface MeasuredStep {
  /** In the order in which they are there. */
  gradients: readonly { parameter: string; numbers: number; readyAt: number }[];
  /** Share of the step after which all gradients are there. */
  updateFrom: number;
  batch: number;
  where: string;
}

/** Some gradients that travel together. */
export interface Bucket {
  bytes: number;
  /** Share of the step after which the last of them is there. */
  readyAt: number;
}

/** Reads `results/scaling.csv`: the latest step that was measured. */
export function readMeasuredStep(file: string): MeasuredStep {
  const rows = parse(readFileSync(file), { columns: true }) as Record<string, string>[];
  const latest = rows
    .map(({ date = '' }) => date)
    .toSorted()
    .at(-1);
  const of = rows.filter(({ date }) => date === latest);
  const [first] = of;
  if (first === undefined) throw new Error(`expected rows in ${file}, found none; pnpm bench:scaling makes them`);
  const gradients = of.map(({ parameter = '', numbers, readyAt }) => ({
    parameter,
    numbers: Number(numbers),
    readyAt: Number(readyAt),
  }));
  return {
    gradients: gradients.toSorted((a, b) => a.readyAt - b.readyAt),
    updateFrom: Number(first['updateFrom']),
    batch: Number(first['batch']),
    where: `${first['processor']}, ${first['cores']} cores, ${latest?.slice(0, 10)}, ${first['commit']}`,
  };
}

/** Gradients in the order in which they are there, in buckets of `bucketNumbers` but for the last; a large one is cut. */
export function intoBuckets({ gradients }: MeasuredStep, bytesPerNumber: number, bucketNumbers: number): Bucket[] {
  const buckets: { numbers: number; readyAt: number }[] = [];
  for (const { numbers, readyAt } of gradients) {
    for (let left = numbers; left > 0; ) {
      const last = buckets.at(-1);
      const open = last !== undefined && last.numbers < bucketNumbers ? last : { numbers: 0, readyAt };
      if (open !== last) buckets.push(open);
      const piece = Math.min(left, bucketNumbers - open.numbers);
      open.numbers += piece;
      open.readyAt = readyAt;
      left -= piece;
    }
  }
  return buckets.map(({ numbers, readyAt }) => ({ bytes: numbers * bytesPerNumber, readyAt }));
}
