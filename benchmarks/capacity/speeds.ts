import { readFileSync } from 'node:fs';

/** What one run of `pnpm bench:serve` saw of our service under its most clients. */
export interface Speed {
  precision: string;
  perSecond: number;
  cores: number;
  clients: number;
  p50Ms: number;
  p99Ms: number;
  peakMb: number;
  date: string;
  processor: string;
  commit: string;
}

const columns = [
  'service',
  'requestsPerSecond',
  'cores',
  'clients',
  'p50Ms',
  'p99Ms',
  'peakMb',
  'date',
  'processor',
  'commit',
];

/**
 * Reads `results/serving.csv`: of each precision the row with the most clients of the run on `date`.
 *
 * @param date beginning of a run's date; null = the latest run of that precision
 */
export function readSpeeds(file: string, date: string | null = null): Speed[] {
  const [header, ...rows] = readFileSync(file, 'utf8').trim().split('\n').map(cellsOf);
  const missing = columns.filter((column) => !header?.includes(column));
  if (missing.length > 0) throw new Error(`expected the columns ${missing.join(', ')} in ${file}`);
  const speeds = rows
    .map((cells) => Object.fromEntries(cells.map((cell, i) => [header?.[i] ?? '', cell])))
    .filter(({ service = '', clients }) => service.startsWith('ours-') && clients !== '')
    .map(speedOf)
    .filter((speed) => date === null || speed.date.startsWith(date));
  if (speeds.length === 0)
    throw new Error(`expected rows of ours-… in ${file}${date === null ? '' : ` on ${date}`}, found none`);
  return [...new Set(speeds.map(({ precision }) => precision))].map((precision) => latest(speeds, precision));
}

/** No cell holds a line end. */
function cellsOf(line: string): string[] {
  return Array.from(line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g), ([, quoted, plain]) =>
    quoted === undefined ? (plain ?? '') : quoted.replaceAll('""', '"'),
  );
}

function speedOf(row: Record<string, string>): Speed {
  const number = (column: string) => Number(row[column]);
  return {
    precision: (row.service ?? '').replace('ours-', ''),
    perSecond: number('requestsPerSecond'),
    cores: number('cores'),
    clients: number('clients'),
    p50Ms: number('p50Ms'),
    p99Ms: number('p99Ms'),
    peakMb: number('peakMb'),
    date: row.date ?? '',
    processor: row.processor ?? '',
    commit: row.commit ?? '',
  };
}

function latest(speeds: readonly Speed[], precision: string): Speed {
  const [first] = speeds
    .filter((speed) => speed.precision === precision)
    .toSorted((a, b) => b.date.localeCompare(a.date) || b.clients - a.clients);
  return first as Speed;
}
