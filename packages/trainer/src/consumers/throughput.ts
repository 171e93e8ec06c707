import type { Consumer } from '../loop/events.ts';

/** How fast a phase was, over the steps of this process. */
export interface PhaseThroughput {
  phase: string;
  samples: number;
  steps: number;
  seconds: number;
  /** The part of `seconds` spent waiting for data. */
  dataSeconds: number;
}

export interface Throughput extends Consumer {
  phases(): PhaseThroughput[];
}

/** Adds up samples and seconds of all steps, phase by phase. */
export function measureThroughput(): Throughput {
  const phases = new Map<number, PhaseThroughput>();
  return {
    on(event) {
      if (event.kind !== 'step') return;
      const { index, name } = event.phase;
      const sum = phases.get(index) ?? { phase: name, samples: 0, steps: 0, seconds: 0, dataSeconds: 0 };
      phases.set(index, {
        phase: name,
        samples: sum.samples + event.batchSize,
        steps: sum.steps + 1,
        seconds: sum.seconds + event.stepSeconds,
        dataSeconds: sum.dataSeconds + event.dataSeconds,
      });
    },
    phases: () => [...phases.values()],
  };
}

/** A line per phase for people, and one with the largest memory of this process so far. */
export function describeThroughput(phases: readonly PhaseThroughput[]): string[] {
  const lines = phases.map(({ phase, samples, steps, seconds, dataSeconds }) => {
    const waited = `${((100 * dataSeconds) / seconds).toFixed(1)} % of the time waiting for data`;
    return `phase ${phase}: ${(samples / seconds).toFixed(1)} samples/s over ${samples} samples in ${steps} steps, ${waited}`;
  });
  // Node counts in kibibytes on every platform.
  const peakBytes = process.resourceUsage().maxRSS * 1024;
  return [...lines, `peak memory ${(peakBytes / 1e9).toFixed(2)} GB`];
}
