import { type Assumptions, planBatch, planService } from './plan.ts';
import type { Speed } from './speeds.ts';

export const volumes = [1e6, 1e8, 1e9];

/** The tables of docs/capacity.md. */
export function capacityTables(speeds: readonly Speed[], assumptions: Assumptions): string {
  return [
    describeAssumptions(assumptions),
    speedTable(speeds),
    ...speeds.map((speed) => serviceTable(speed, assumptions)),
    batchTable(speeds, assumptions),
    queueTable(speeds, assumptions),
  ].join('\n\n');
}

function describeAssumptions({ peak, utilization, coresPerPod, leastPods, dollarsPerCoreHour }: Assumptions): string {
  return `Assumed: the busiest minutes see ${peak} times the mean; ${percent(utilization)} of a core is planned to be busy; pods of ${coresPerPod} cores, at least ${leastPods}; $${dollarsPerCoreHour} per core-hour, memory included.`;
}

function speedTable(speeds: readonly Speed[]): string {
  const rows = speeds.map(({ precision, perSecond, cores, clients, p50Ms, p99Ms, peakMb, date, processor, commit }) => [
    precision,
    `${perSecond.toFixed(1)} on ${cores} cores`,
    `**${(perSecond / cores).toFixed(1)}**`,
    `${p50Ms} / ${p99Ms} ms with ${clients} clients`,
    `${peakMb} MB`,
    `${processor}, ${date.slice(0, 16).replace('T', ' ')}, ${commit}`,
  ]);
  return table(['measured', 'requests/s', 'per core', 'p50 / p99', 'memory', 'where and when'], rows);
}

function serviceTable({ precision, perSecond, cores }: Speed, assumptions: Assumptions): string {
  const rows = volumes
    .map((volume) => planService(volume, perSecond / cores, assumptions))
    .map((plan) => [
      grouped(plan.postsPerDay),
      grouped(plan.meanPerSecond),
      grouped(plan.peakPerSecond),
      grouped(plan.podsAtPeak),
      grouped(plan.podsOnAverage),
      `$${grouped(plan.dollarsPerMonth)}`,
      `$${plan.dollarsPerMillion.toFixed(2)}`,
    ]);
  const header = [
    'posts a day',
    'mean /s',
    'peak /s',
    'pods at the peak',
    'pods on average',
    'a month',
    'a million posts',
  ];
  return `**Service, ${precision}**\n\n${table(header, rows)}`;
}

function batchTable(speeds: readonly Speed[], assumptions: Assumptions): string {
  const rows = volumes.flatMap((volume) =>
    speeds.map(({ precision, perSecond, cores }) => {
      const plan = planBatch(volume, perSecond / cores, assumptions);
      return [
        grouped(volume),
        precision,
        grouped(plan.coreHours),
        hours(plan.hoursOn100Cores),
        `$${grouped(plan.dollars)}`,
      ];
    }),
  );
  return `**Batch (\`pnpm score\`), once**\n\n${table(['posts', 'model', 'core-hours', 'on 100 cores', 'cost'], rows)}`;
}

/** How long the last of a queue waits: depth over the pod's rate. */
function queueTable(speeds: readonly Speed[], { coresPerPod }: Assumptions): string {
  const depths = [4, 8, 16, 32];
  const rows = speeds.map(({ precision, perSecond, cores }) => {
    const perPod = (perSecond / cores) * coresPerPod;
    return [precision, perPod.toFixed(1), ...depths.map((depth) => `${Math.round((1000 * depth) / perPod)} ms`)];
  });
  return `**Wait behind a queue**\n\n${table(['model', 'a pod answers /s', ...depths.map((depth) => `${depth} waiting`)], rows)}`;
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}

/** 1234567 → 1,234,567; small numbers keep two digits. */
function grouped(value: number): string {
  const digits = value >= 10 || Number.isInteger(value) ? 0 : 1;
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

const percent = (share: number) => `${Math.round(100 * share)} %`;
const hours = (value: number) => (value < 1 ? `${grouped(value * 60)} min` : `${grouped(value)} h`);
