import { createEpochTotals, emptyTotals } from '../../src/loop/epoch-totals.ts';
import type { EpochEvent, EpochMetrics, Position, StepEvent } from '../../src/loop/events.ts';
import type { Phase } from '../../src/loop/phases.ts';

const start: Position = { phase: 0, epoch: 0, batch: 0, phaseStep: 0, step: 0, totalEpochs: 0 };

/** A step of a phase, at a position. */
export function stepEvent(phase: Phase, position: Partial<Position>): StepEvent {
  return {
    kind: 'step',
    phase,
    position: { ...start, ...position },
    loss: 0.5,
    learningRate: 0.1,
    gradientNorm: 1,
    batchSize: 4,
    correct: 3,
    stepSeconds: 2,
    dataSeconds: 0,
    isToStop: false,
    resumePoint: () => ({ position: start, totals: emptyTotals }),
  };
}

/** The end of an epoch of a phase. */
export function epochEvent(phase: Phase, position: Partial<Position>, metrics: EpochMetrics): EpochEvent {
  const steps = createEpochTotals().steps();
  return { kind: 'epoch', phase, position: { ...start, ...position }, metrics, steps, seconds: 1 };
}
