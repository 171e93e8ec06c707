import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { repositoryRoot } from './machine.ts';

export type Row = Record<string, string | number>;

const fileOf = (name: string) => path.join(repositoryRoot, `benchmarks/results/${name}.csv`);

const line = (cells: unknown[]) => `${cells.map((cell) => `"${String(cell).replaceAll('"', '""')}"`).join(',')}\n`;

/** Writes `results/<name>.csv` anew: for figures that are means over many runs. Columns that a row does not have stay empty. */
export function writeRows(name: string, rows: readonly Row[]): void {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const lines = rows.map((row) => line(columns.map((column) => row[column] ?? '')));
  writeFileSync(fileOf(name), line(columns) + lines.join(''));
}

/** Appends rows of equal columns to `results/<name>.csv` and returns its path. */
export function appendRows(name: string, rows: readonly Row[]): string {
  const file = fileOf(name);
  if (!existsSync(file)) appendFileSync(file, line(Object.keys(rows[0] as Row)));
  for (const row of rows) appendFileSync(file, line(Object.values(row)));
  return file;
}

export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] as number) + (sorted[Math.ceil(middle)] as number)) / 2;
}
