import type { Phase } from './phases.ts';

/** A point of a run: everything that is needed to continue from it, since all randomness is derived from (seed, position). */
export interface Position {
  /** Index of the phase. */
  phase: number;
  /** Epochs of this phase that are finished. */
  epoch: number;
  /** Optimizer steps done in the whole run. */
  step: number;
  /** Epochs finished in the whole run. */
  totalEpochs: number;
}

/** Metrics of one epoch, keyed `train/…` and `val/…`. */
export type EpochMetrics = Record<string, number>;

export interface StepEvent {
  kind: 'step';
  phase: Phase;
  /** Optimizer steps so far, this one included. */
  step: number;
  /** Steps of this epoch so far, this one included. */
  stepOfEpoch: number;
  loss: number;
  learningRate: number;
  gradientNorm: number;
  batchSize: number;
  /** Wall time from asking for the batch to updated weights. */
  stepSeconds: number;
  /** The part of it spent waiting for data. */
  dataSeconds: number;
}

export interface EpochEvent {
  kind: 'epoch';
  phase: Phase;
  position: Position;
  metrics: EpochMetrics;
  seconds: number;
}

/** What the loop yields; see docs/architecture.md. */
export type TrainEvent =
  | { kind: 'phase-start'; phase: Phase; stepsPerEpoch: number; trainable: number; cachedFeatures: boolean; position: Position }
  | { kind: 'features'; phase: Phase; done: number; total: number }
  | { kind: 'epoch-start'; phase: Phase; epoch: number; steps: number }
  | StepEvent
  | { kind: 'skipped-step'; phase: Phase; step: number; loss: number }
  | { kind: 'validating'; phase: Phase; done: number; total: number }
  | EpochEvent
  | { kind: 'phase-end'; phase: Phase; reason: EndReason; position: Position };

export type EndReason = 'finished' | 'early stopping' | 'step limit' | 'interrupted';

/** What a consumer may answer to an event. */
export type LoopCommand = 'stop-phase' | 'stop-run';

/** Watches training. Consumers are asked in order; an answer other than undefined steers the loop. */
export interface Consumer {
  on(event: TrainEvent): Promise<LoopCommand | void> | LoopCommand | void;
}
