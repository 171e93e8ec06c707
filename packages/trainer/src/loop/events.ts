import type { StepSummary } from '@crosscheck/evaluation';
import type { Phase } from './phases.ts';

/** What an epoch has summed up so far, as plain JSON. */
export interface TotalsSnapshot {
  lossSum: number;
  logits: number[];
  labels: number[];
  /** Of each step that was taken. */
  losses: number[];
  gradientNorms: number[];
  /** Steps that changed nothing, because their loss or gradient was not finite. */
  skipped: number;
}

/** A point of a run: everything that is needed to continue from it, since all randomness follows from (seed, position). */
export interface Position {
  /** Index of the phase. */
  phase: number;
  /** Epochs of this phase that are finished. */
  epoch: number;
  /** Batches of the current epoch that are finished, those without a readable picture included. */
  batch: number;
  /** Optimizer steps done in this phase. */
  phaseStep: number;
  /** Optimizer steps done in the whole run. */
  step: number;
  /** Epochs finished in the whole run. */
  totalEpochs: number;
}

/** A position with what the current epoch has summed up so far. */
export interface ResumePoint {
  position: Position;
  totals: TotalsSnapshot;
}

/** Metrics of one epoch, keyed `train/…` and `val/…`. */
export type EpochMetrics = Record<string, number>;

export interface StepEvent {
  kind: 'step';
  phase: Phase;
  position: Position;
  loss: number;
  learningRate: number;
  gradientNorm: number;
  batchSize: number;
  /** Samples that the training pass judged right, at 0.5. */
  correct: number;
  /** Wall time from asking for the batch to updated weights. */
  stepSeconds: number;
  /** The part of it spent waiting for data. */
  dataSeconds: number;
  /** Whether another worker was asked to stop. */
  isToStop: boolean;
  /** What to save to continue from here. */
  resumePoint(): ResumePoint;
}

export interface EpochEvent {
  kind: 'epoch';
  phase: Phase;
  position: Position;
  metrics: EpochMetrics;
  steps: StepSummary;
  seconds: number;
}

/** What the loop yields; see docs/architecture.md. */
export type TrainEvent =
  | {
      kind: 'phase-start';
      phase: Phase;
      stepsPerEpoch: number;
      trainable: number;
      cachesFeatures: boolean;
      position: Position;
    }
  | { kind: 'progress'; phase: Phase; what: 'features' | 'validation'; done: number; total: number }
  | { kind: 'epoch-start'; phase: Phase; epoch: number; steps: number }
  | StepEvent
  | { kind: 'skipped-step'; phase: Phase; position: Position; loss: number; isToStop: boolean }
  | EpochEvent
  | { kind: 'phase-end'; phase: Phase; reason: EndReason; position: Position }
  | ({ kind: 'interrupted' } & ResumePoint);

export type EndReason = 'finished' | 'early stopping' | 'step limit' | 'interrupted';

/** What a consumer may answer to an event. */
export type LoopCommand = 'stop-phase' | 'stop-run';

/** A generator of events that obeys the answers to them. */
export type Events<T> = AsyncGenerator<TrainEvent, T, LoopCommand | undefined>;

/** Watches training. Consumers are asked in order; an answer other than undefined steers the loop. */
export interface Consumer {
  on(event: TrainEvent): Promise<LoopCommand | void> | LoopCommand | void;
}
