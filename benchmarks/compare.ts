import { median, type Row } from './results.ts';
import type { EngineProcess, StepTime } from './training/engine-process.ts';

/** An engine and what its repetitions took. */
export interface Measured {
  engine: EngineProcess;
  steps: StepTime[];
  peakBytes: number;
}

/** Lets every engine do a piece of work before the next piece comes; which goes first changes from piece to piece. */
export async function alternate(engines: readonly EngineProcess[], pieces: readonly number[]): Promise<Measured[]> {
  const measured = engines.map((engine): Measured => ({ engine, steps: [], peakBytes: 0 }));
  for (const [turn, piece] of pieces.entries()) {
    const order = turn % 2 === 0 ? measured : [...measured].reverse();
    for (const { engine, steps } of order) {
      const step = await engine.step(piece);
      steps.push(step);
      process.stderr.write(`${engine.name}: ${step.seconds.toFixed(2)} s (${turn + 1} of ${pieces.length})\n`);
    }
  }
  return measured;
}

/** Sums up each engine, and how many times as long as the first one it takes. */
export function compare(results: readonly Measured[], samples: number): Row[] {
  const [first] = results as [Measured];
  const ratio = (theirs: Measured, of: 'seconds' | 'cpuSeconds') =>
    median(theirs.steps.map((step, i) => step[of] / (first.steps[i] as StepTime)[of])).toFixed(2);
  return results.map((result) => {
    const seconds = result.steps.map((step) => step.seconds);
    return {
      engine: result.engine.name,
      perSecond: (samples / median(seconds)).toFixed(1),
      medianSeconds: median(seconds).toFixed(3),
      fastestSeconds: Math.min(...seconds).toFixed(3),
      cpuMsPerSample: ((1000 * median(result.steps.map(({ cpuSeconds }) => cpuSeconds))) / samples).toFixed(2),
      firstIsFaster: ratio(result, 'seconds'),
      firstNeedsLessCpu: ratio(result, 'cpuSeconds'),
      peakGb: (result.peakBytes / 1e9).toFixed(2),
      version: result.engine.version,
    };
  });
}
