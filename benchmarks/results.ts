import { appendFileSync, existsSync } from 'node:fs';
import path from 'node:path';
import { repositoryRoot } from './machine.ts';

export type Row = Record<string, string | number>;

/** Appends rows of equal columns to `results/<name>.csv` and returns its path. */
export function appendRows(name: string, rows: readonly Row[]): string {
  const file = path.join(repositoryRoot, `benchmarks/results/${name}.csv`);
  const line = (cells: unknown[]) => `${cells.map((cell) => `"${String(cell).replaceAll('"', '""')}"`).join(',')}\n`;
  if (!existsSync(file)) appendFileSync(file, line(Object.keys(rows[0] as Row)));
  for (const row of rows) appendFileSync(file, line(Object.values(row)));
  return file;
}

export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] as number) + (sorted[Math.ceil(middle)] as number)) / 2;
}
