// Pods and cost from the measured speed of the service: `pnpm capacity --help`.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { print, runOptionCommand } from '@crosscheck/contract';
import { repositoryRoot } from '../machine.ts';
import { usualAssumptions } from './plan.ts';
import { readSpeeds } from './speeds.ts';
import { capacityTables } from './tables.ts';

const number = (usual: number, help: string) => ({ default: usual, isFraction: true, help });

await runOptionCommand({
  name: 'capacity',
  summary: 'Reckons pods and cost for 1 M, 100 M and 1 B posts a day from benchmarks/results/serving.csv.',
  options: {
    per_core_hour: number(usualAssumptions.dollarsPerCoreHour, 'dollars'),
    peak: number(usualAssumptions.peak, 'the busiest minutes over the mean'),
    utilization: number(usualAssumptions.utilization, 'share of a core that is planned to be busy'),
    cores_per_pod: number(usualAssumptions.coresPerPod, 'cores of one pod'),
    least_pods: number(usualAssumptions.leastPods, 'pods that are always there'),
    date: { default: null, help: 'of the run to reckon from, such as 2026-11-21; null = the latest' },
    write: { default: false, help: 'put the tables into docs/capacity.md' },
  },
  async main({ date, write, ...assumptions }) {
    const speeds = readSpeeds(path.join(repositoryRoot, 'benchmarks/results/serving.csv'), date);
    const tables = capacityTables(speeds, {
      dollarsPerCoreHour: assumptions.per_core_hour,
      peak: assumptions.peak,
      utilization: assumptions.utilization,
      coresPerPod: assumptions.cores_per_pod,
      leastPods: assumptions.least_pods,
    });
    print(tables);
    if (write) writeTables(path.join(repositoryRoot, 'docs/capacity.md'), tables);
  },
});

function writeTables(file: string, tables: string): void {
  const text = readFileSync(file, 'utf8');
  const between = /(<!-- pnpm capacity --write -->\n)[\s\S]*(<!-- end -->)/;
  writeFileSync(
    file,
    text.replace(between, (_, begin: string, end: string) => `${begin}\n${tables}\n\n${end}`),
  );
}
