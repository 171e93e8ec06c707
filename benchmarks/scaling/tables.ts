import { intoBuckets, type MeasuredStep } from './gradients.ts';
import {
  type Assumptions,
  gpuCounts,
  type Link,
  links,
  reduceSeconds,
  type Step,
  stepWith,
  stepWithout,
} from './reckon.ts';

const formats = [
  { name: 'float32', bytes: 4 },
  { name: 'bfloat16', bytes: 2 },
];

/** The tables of docs/scaling.md. */
export function scalingTables(measured: MeasuredStep, assumptions: Assumptions, stepMs: readonly number[]): string {
  return [
    describe(measured, assumptions),
    ...formats.map(({ name, bytes }) =>
      reductionTable(name, stepOf(measured, assumptions, { bytes, seconds: 1 }), assumptions),
    ),
    ...stepMs.flatMap((ms) =>
      formats.map(({ name, bytes }) =>
        efficiencyTable(`${ms} ms, ${name}`, stepOf(measured, assumptions, { bytes, seconds: ms / 1000 }), assumptions),
      ),
    ),
  ].join('\n\n');
}

function stepOf(
  measured: MeasuredStep,
  { bucketNumbers }: Assumptions,
  { bytes, seconds }: { bytes: number; seconds: number },
): Step {
  return { seconds, updateFrom: measured.updateFrom, buckets: intoBuckets(measured, bytes, bucketNumbers) };
}

function describe(
  { gradients, updateFrom, batch, where }: MeasuredStep,
  { utilization, hopSeconds, bucketNumbers }: Assumptions,
): string {
  const numbers = gradients.reduce((sum, { numbers }) => sum + numbers, 0);
  const half = gradients.find(({ readyAt }) => readyAt >= 0.5 * updateFrom);
  const before = gradients.slice(0, gradients.indexOf(half as never)).reduce((sum, { numbers }) => sum + numbers, 0);
  return [
    `Measured (batch ${batch}, ${where}): ${numbers.toLocaleString('en')} gradients, all there after ${percent(updateFrom)} of a step's work; ${percent(before / numbers)} of them at half of that.`,
    `Assumed: ${percent(utilization)} of a link's rate arrives, ${Math.round(hopSeconds * 1e6)} µs a message, buckets of ${bucketNumbers / 1e6} million numbers.`,
  ].join('\n');
}

function reductionTable(name: string, step: Step, assumptions: Assumptions): string {
  const bytes = step.buckets.reduce((sum, bucket) => sum + bucket.bytes, 0);
  const rows = gpuCounts.map((gpus) => [
    String(gpus),
    ...links.map((link) => milliseconds(reduceSeconds(step, gpus, link, assumptions))),
  ]);
  return `**Reduction of ${Math.round(bytes / 1e6)} MB (${name}), ms**\n\n${table(['GPUs', ...links.map(({ name }) => name)], rows)}`;
}

/** Step time without and with overlap, each with the share of N times one GPU's speed that is reached. */
function efficiencyTable(title: string, step: Step, assumptions: Assumptions): string {
  const cell = (gpus: number, link: Link) =>
    [stepWithout, stepWith]
      .map((reckon) => reckon(step, gpus, link, assumptions))
      .map((seconds) => `${milliseconds(seconds)} (${percent(step.seconds / seconds)})`)
      .join(' · ');
  const rows = gpuCounts.map((gpus) => [String(gpus), ...links.map((link) => cell(gpus, link))]);
  return `**A step of ${title}: ms (efficiency) as built · with overlap**\n\n${table(['GPUs', ...links.map(({ name }) => name)], rows)}`;
}

const percent = (share: number) => `${Math.round(100 * share)} %`;
const milliseconds = (seconds: number) =>
  seconds < 0.01 ? (1000 * seconds).toFixed(1) : Math.round(1000 * seconds).toLocaleString('en');

function table(header: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}
