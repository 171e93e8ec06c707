/** What an optimizer takes from a schedule at one step. */
export interface ScheduledStep {
  learningRate: number;
  /** Only where the schedule cycles it. */
  beta1?: number;
}

/** Step from 0 → what to use in it. */
export type Schedule = (step: number) => ScheduledStep;

export interface OneCycleOptions {
  maxLr: number;
  totalSteps: number;
  /** Share of the steps that rise to `maxLr`; 0.1 by default. */
  pctStart?: number;
  /** First learning rate = maxLr / divFactor; 25 by default. */
  divFactor?: number;
  /** Last learning rate = first / finalDivFactor; 1e4 by default. */
  finalDivFactor?: number;
  /** Whether beta1 falls while the learning rate rises, and rises again; on by default. */
  cycleMomentum?: boolean;
  baseMomentum?: number;
  maxMomentum?: number;
}

/** Half a cosine from `start` at 0 to `end` at 1. */
function annealCosine(start: number, end: number, progress: number): number {
  return end + ((start - end) / 2) * (1 + Math.cos(Math.PI * progress));
}

/**
 * One rise and one long fall of the learning rate (Smith and Topin 2018), number for number as torch's OneCycleLR with cosine annealing.
 * Where the rise has no length (fewer than 1 / pctStart steps) it starts at the peak.
 */
export function oneCycle(options: OneCycleOptions): Schedule {
  const { maxLr, totalSteps, pctStart = 0.1, divFactor = 25, finalDivFactor = 1e4 } = options;
  const { cycleMomentum = true, baseMomentum = 0.85, maxMomentum = 0.95 } = options;
  const firstLr = maxLr / divFactor;
  const peak = Math.max(0, pctStart * totalSteps - 1);
  const last = Math.max(totalSteps - 1, peak + 1);
  return (step) => {
    const isRising = step < peak;
    const progress = Math.min(1, isRising ? step / peak : (step - peak) / (last - peak));
    const learningRate = isRising
      ? annealCosine(firstLr, maxLr, progress)
      : annealCosine(maxLr, firstLr / finalDivFactor, progress);
    const [from, to] = isRising ? [maxMomentum, baseMomentum] : [baseMomentum, maxMomentum];
    return cycleMomentum ? { learningRate, beta1: annealCosine(from, to, progress) } : { learningRate };
  };
}

/** Half a cosine from `maxLr` to `minLr` (Loshchilov and Hutter 2017), as torch's CosineAnnealingLR over `totalSteps`. */
export function cosine({ maxLr, minLr, totalSteps }: { maxLr: number; minLr: number; totalSteps: number }): Schedule {
  return (step) => ({ learningRate: annealCosine(maxLr, minLr, Math.min(1, step / totalSteps)) });
}

export function constant(learningRate: number): Schedule {
  return () => ({ learningRate });
}
