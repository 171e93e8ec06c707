// Pods and cost from the measured speed of the service: `pnpm capacity --help`.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { readCommandLine } from '../command-line.ts';
import { repositoryRoot } from '../machine.ts';
import { usualAssumptions } from './plan.ts';
import { readSpeeds } from './speeds.ts';
import { capacityTables } from './tables.ts';

const help = `Usage: pnpm capacity [options]

Reckons pods and cost for 1 M, 100 M and 1 B posts a day from benchmarks/results/serving.csv.

  --per-core-hour N  dollars (${usualAssumptions.dollarsPerCoreHour})
  --peak N           the busiest minutes over the mean (${usualAssumptions.peak})
  --utilization N    share of a core that is planned to be busy (${usualAssumptions.utilization})
  --cores-per-pod N  (${usualAssumptions.coresPerPod})
  --least-pods N     (${usualAssumptions.leastPods})
  --date TEXT        of the run to reckon from, such as 2026-11-21 (the latest)
  --write            put the tables into docs/capacity.md
`;

const values = readCommandLine(help, {
  'per-core-hour': String(usualAssumptions.dollarsPerCoreHour),
  peak: String(usualAssumptions.peak),
  utilization: String(usualAssumptions.utilization),
  'cores-per-pod': String(usualAssumptions.coresPerPod),
  'least-pods': String(usualAssumptions.leastPods),
  date: null,
  write: false,
});

const speeds = readSpeeds(path.join(repositoryRoot, 'benchmarks/results/serving.csv'), values.date);
const tables = capacityTables(speeds, {
  dollarsPerCoreHour: Number(values['per-core-hour']),
  peak: Number(values.peak),
  utilization: Number(values.utilization),
  coresPerPod: Number(values['cores-per-pod']),
  leastPods: Number(values['least-pods']),
});
process.stdout.write(`${tables}\n`);
if (values.write) writeTables(path.join(repositoryRoot, 'docs/capacity.md'), tables);

function writeTables(file: string, tables: string): void {
  const text = readFileSync(file, 'utf8');
  const between = /(<!-- pnpm capacity --write -->\n)[\s\S]*(<!-- end -->)/;
  writeFileSync(
    file,
    text.replace(between, (_, begin: string, end: string) => `${begin}\n${tables}\n\n${end}`),
  );
}
