// Step times of 2 … 64 GPUs from measured gradients and the arithmetic of a ring: `pnpm scaling --help`.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { print, runOptionCommand } from '@crosscheck/contract';
import { repositoryRoot } from '../machine.ts';
import { readMeasuredStep } from './gradients.ts';
import { usualAssumptions } from './reckon.ts';
import { scalingTables } from './tables.ts';

const { utilization, hopSeconds, bucketNumbers } = usualAssumptions;

await runOptionCommand({
  name: 'scaling',
  summary: 'Reckons step times of 2 to 64 GPUs from benchmarks/results/scaling.csv.',
  options: {
    step_ms: { default: '125,500', help: 'what a step of one GPU takes, milliseconds; several with commas' },
    utilization: { default: utilization, isFraction: true, help: "share of a link's rate that arrives" },
    hop_us: {
      default: hopSeconds * 1e6,
      isFraction: true,
      help: 'from one worker to the next, microseconds a message',
    },
    bucket: { default: bucketNumbers / 1e6, isFraction: true, help: 'numbers that travel together, millions' },
    write: { default: false, help: 'put the tables into docs/scaling.md' },
  },
  async main({ step_ms, hop_us, bucket, write, ...given }) {
    const measured = readMeasuredStep(path.join(repositoryRoot, 'benchmarks/results/scaling.csv'));
    const assumptions = { ...given, hopSeconds: hop_us / 1e6, bucketNumbers: bucket * 1e6 };
    const tables = scalingTables(measured, assumptions, step_ms.split(',').map(Number));
    print(tables);
    if (write) writeTables(path.join(repositoryRoot, 'docs/scaling.md'), tables);
  },
});

function writeTables(file: string, tables: string): void {
  const text = readFileSync(file, 'utf8');
  const between = /(<!-- pnpm scaling --write -->\n)[\s\S]*(<!-- end -->)/;
  writeFileSync(
    file,
    text.replace(between, (_, begin: string, end: string) => `${begin}\n${tables}\n\n${end}`),
  );
}
