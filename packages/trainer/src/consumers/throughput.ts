import type { Consumer } from '../events.ts';

/** How fast a run was, over the steps of this process. */
export interface ThroughputFigures {
  samples: number;
  steps: number;
  samplesPerSecond: number;
  /** Share of the steps' time spent waiting for data, 0 to 1. */
  dataShare: number;
  /** Largest resident memory of the process so far. */
  peakMemoryBytes: number;
}

export interface Throughput extends Consumer {
  figures(): ThroughputFigures;
}

/** Adds up samples and seconds of all steps. */
export function measureThroughput(): Throughput {
  let [samples, steps, seconds, dataSeconds] = [0, 0, 0, 0];
  return {
    on(event) {
      if (event.kind !== 'step') return;
      samples += event.batchSize;
      steps += 1;
      seconds += event.stepSeconds;
      dataSeconds += event.dataSeconds;
    },
    figures: () => ({
      samples,
      steps,
      samplesPerSecond: seconds > 0 ? samples / seconds : 0,
      dataShare: seconds > 0 ? dataSeconds / seconds : 0,
      // Node counts in kibibytes on every platform.
      peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
    }),
  };
}

/** One line for people. */
export function describeThroughput({
  samples,
  steps,
  samplesPerSecond,
  dataShare,
  peakMemoryBytes,
}: ThroughputFigures) {
  const memory = `${(peakMemoryBytes / 1e9).toFixed(2)} GB`;
  if (steps === 0) return `no steps; peak memory ${memory}`;
  const waited = `${(100 * dataShare).toFixed(0)} % of the time waiting for data`;
  return `${samplesPerSecond.toFixed(1)} samples/s over ${samples} samples in ${steps} steps, ${waited}; peak memory ${memory}`;
}
