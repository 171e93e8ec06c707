import type { StepSummary } from '@crosscheck/evaluation';
import type { EpochMetrics } from './events.ts';

/** One finished epoch, as reports and tables show it. */
export interface EpochRecord {
  phase: string;
  phaseIndex: number;
  /** Counted over the whole run, from 1. */
  epoch: number;
  step: number;
  seconds: number;
  metrics: EpochMetrics;
  /** How its steps went; left out in epochs of earlier versions. */
  steps?: StepSummary;
}
