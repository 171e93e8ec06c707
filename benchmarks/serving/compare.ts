import { median } from '../results.ts';
import type { Visit } from './measure.ts';

/** A service under a number of clients, medians over its lives. */
export interface Compared {
  system: string;
  clients: number;
  requestsPerSecond: number;
  p50Ms: number;
  p99Ms: number;
  readySeconds: number;
  peakMb: number;
  /** Answers other than 200. */
  failures: number;
}

export function compare(visits: ReadonlyMap<string, Visit[]>, clients: readonly number[]): Compared[] {
  return [...visits].flatMap(([system, lives]) =>
    clients.map((count, i) => {
      const loads = lives.map((life) => life.loads[i] as Visit['loads'][number]);
      return {
        system,
        clients: count,
        requestsPerSecond: median(loads.map((load) => load.requestsPerSecond)),
        p50Ms: Math.round(median(loads.map((load) => load.p50Ms))),
        p99Ms: Math.round(median(loads.map((load) => load.p99Ms))),
        readySeconds: Number(median(lives.map((life) => life.readySeconds)).toFixed(2)),
        peakMb: Math.max(...lives.map((life) => life.peakMb)),
        failures: loads.reduce((sum, { statuses }) => sum + failuresIn(statuses), 0),
      };
    }),
  );
}

function failuresIn(statuses: Record<string, number>): number {
  return Object.entries(statuses).reduce((sum, [status, count]) => sum + (status === '200' ? 0 : count), 0);
}

interface Bar {
  what: string;
  value: number;
  /** The least that is good enough, or with `isLimit` the most. */
  bar: number;
  isLimit?: boolean;
}

/** What the service must reach, and whether it did; bars whose systems did not run are left out. */
export function checkBars(compared: readonly Compared[], bare: Record<string, number>): string[] {
  return barsOf(compared, bare)
    .filter(({ value }) => !Number.isNaN(value))
    .map(({ what, value, bar, isLimit = false }) => {
      const isReached = isLimit ? value <= bar : value >= bar;
      return `${isReached ? 'reached' : 'MISSED '}  ${value.toFixed(2)} (${isLimit ? '≤' : '≥'} ${bar})  ${what}`;
    });
}

const crowd = 32;

function barsOf(compared: readonly Compared[], bare: Record<string, number>): Bar[] {
  const find = (system: string) => compared.find((row) => row.system === system && row.clients === crowd);
  const ratio = (a: string, b: string, of: 'requestsPerSecond' | 'p99Ms') =>
    (find(a)?.[of] ?? Number.NaN) / (find(b)?.[of] ?? Number.NaN);
  const share = (precision: string, loop: string) =>
    (find(`ours-${precision}`)?.requestsPerSecond ?? Number.NaN) / (bare[`${loop}-${precision}`] ?? Number.NaN);
  const ready = (system: string) => find(system)?.readySeconds ?? Number.NaN;
  const lone = (a: string, b: string) => (bare[`lone-${a}`] ?? Number.NaN) / (bare[`lone-${b}`] ?? Number.NaN);
  return [
    ...[
      { precision: 'fp32', original: 4, tuned: 1.15, bare: 0.85 },
      { precision: 'int8', original: 8, tuned: 1.5, bare: 0.75 },
    ].flatMap(({ precision, ...bars }): Bar[] => {
      const [ours, tuned] = [`ours-${precision}`, `tuned-${precision}`];
      return [
        {
          what: `${ours}: requests/s over the original's`,
          value: ratio(ours, 'original', 'requestsPerSecond'),
          bar: bars.original,
        },
        { what: `${ours}: requests/s over ${tuned}`, value: ratio(ours, tuned, 'requestsPerSecond'), bar: bars.tuned },
        { what: `${ours}: p99 over the original's`, value: ratio(ours, 'original', 'p99Ms'), bar: 0.25, isLimit: true },
        { what: `${ours}: p99 over ${tuned}'s`, value: ratio(ours, tuned, 'p99Ms'), bar: 1, isLimit: true },
        { what: `${ours}: requests/s over the model alone`, value: share(precision, 'bare'), bar: bars.bare },
        {
          what: `${ours}: requests/s over decoding and the model alone`,
          value: share(precision, 'decode'),
          bar: bars.bare,
        },
        { what: `${ours}: seconds until ready`, value: ready(ours), bar: 2, isLimit: true },
      ];
    }),
    { what: 'one post of 20 tokens: int8 over the plain fp32 export', value: lone('int8', 'plain'), bar: 2 },
  ];
}
