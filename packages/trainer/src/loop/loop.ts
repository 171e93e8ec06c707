import { createEpochTotals, type EpochTotals, emptyTotals } from './epoch-totals.ts';
import type { EndReason, Events, LoopCommand, Position, ResumePoint } from './events.ts';
import type { Phase } from './phases.ts';
import type { PhaseSession, StepResult } from './session.ts';

export interface LoopOptions {
  phases: readonly Phase[];
  /** Where to begin: `startOfRun`, or the point that an earlier run saved. */
  start: ResumePoint;
  /** Ends the run after so many optimizer steps. */
  maxSteps: number | null;
  openPhase(phase: Phase, position: Position): Promise<PhaseSession>;
}

export const startOfRun: ResumePoint = {
  position: { phase: 0, epoch: 0, batch: 0, phaseStep: 0, step: 0, totalEpochs: 0 },
  totals: emptyTotals,
};

/**
 * The training loop: for every phase, for every epoch, for every batch. It yields what happened and obeys what it is answered;
 * it knows nothing of files, trackers or terminals. An epoch that a step limit cuts short is validated and reported all the same.
 *
 * @returns where the run ended
 */
export async function* runTraining(options: LoopOptions): Events<Position> {
  let { position, totals } = options.start;
  for (const phase of options.phases.slice(position.phase)) {
    const session = await options.openPhase(phase, position);
    let reason: EndReason;
    try {
      [position, reason] = yield* runPhase({ options, phase, session }, { position, totals });
    } finally {
      await session.close();
    }
    if (reason === 'interrupted') return position;
    position = { ...position, phase: position.phase + 1, epoch: 0, batch: 0, phaseStep: 0 };
    totals = emptyTotals;
    if (isAtLimit(options, position)) return position;
  }
  return position;
}

interface Running {
  options: LoopOptions;
  phase: Phase;
  session: PhaseSession;
}

async function* runPhase(running: Running, start: ResumePoint): Events<[Position, EndReason]> {
  const { phase, session } = running;
  const { stepsPerEpoch, trainable, cachesFeatures } = session;
  let point = start;
  const answer = yield {
    kind: 'phase-start',
    phase,
    stepsPerEpoch,
    trainable,
    cachesFeatures,
    position: point.position,
  };
  let reason = endReason(running, point.position, answer);
  if (point.position.epoch < phase.numEpochs && reason === 'finished') {
    reason = endReason(running, point.position, yield* session.prepare());
  }
  while (point.position.epoch < phase.numEpochs && reason === 'finished') {
    const [next, command] = yield* runEpoch(running, point);
    point = next;
    reason = endReason(running, point.position, command);
  }
  if (reason === 'interrupted') yield { kind: 'interrupted', ...point };
  yield { kind: 'phase-end', phase, reason, position: point.position };
  return [point.position, reason];
}

function endReason({ options, phase }: Running, position: Position, command: LoopCommand | undefined): EndReason {
  if (command) return command === 'stop-run' ? 'interrupted' : 'early stopping';
  return isAtLimit(options, position) || isAtPhaseLimit(phase, position) ? 'step limit' : 'finished';
}

async function* runEpoch(running: Running, start: ResumePoint): Events<[ResumePoint, LoopCommand | undefined]> {
  const { options, phase, session } = running;
  const began = performance.now();
  const totals = createEpochTotals(start.totals);
  let position = start.position;
  yield { kind: 'epoch-start', phase, epoch: position.totalEpochs + 1, steps: session.stepsPerEpoch };
  for await (const result of session.steps(position)) {
    position = advance(position, result);
    const command = yield* reportStep(phase, position, result, totals);
    // A phase is only ended between epochs; a run ends at once.
    if (command === 'stop-run') return [{ position, totals: totals.snapshot() }, command];
    if (isAtLimit(options, position) || isAtPhaseLimit(phase, position)) break;
  }
  const validation = yield* session.validate(position);
  // Told to stop in mid-validation: a resumed run finds the epoch's steps done, and validates.
  if (validation === null) return [{ position, totals: totals.snapshot() }, 'stop-run'];
  const metrics = { ...totals.metrics(), ...validation, learning_rate: session.learningRate() };
  position = { ...position, epoch: position.epoch + 1, batch: 0, totalEpochs: position.totalEpochs + 1 };
  const command = yield {
    kind: 'epoch',
    phase,
    position,
    metrics,
    steps: totals.steps(),
    seconds: (performance.now() - began) / 1000,
  };
  return [{ position, totals: emptyTotals }, command];
}

function advance(position: Position, { skipped, nextBatch: batch }: StepResult): Position {
  const steps = skipped ? 0 : 1;
  const { phaseStep, step } = position;
  return { ...position, batch, phaseStep: phaseStep + steps, step: step + steps };
}

async function* reportStep(
  phase: Phase,
  position: Position,
  result: StepResult,
  totals: EpochTotals,
): Events<LoopCommand | undefined> {
  const { skipped, loss, learningRate, gradientNorm, batchSize, stepSeconds, dataSeconds, isToStop } = result;
  if (skipped) totals.skip();
  if (skipped) return yield { kind: 'skipped-step', phase, position, loss, isToStop };
  totals.add(result);
  const figures = {
    loss,
    learningRate,
    gradientNorm,
    batchSize,
    correct: countCorrect(result),
    stepSeconds,
    dataSeconds,
    isToStop,
  };
  const resumePoint = () => ({ position, totals: totals.snapshot() });
  return yield { kind: 'step', phase, position, ...figures, resumePoint };
}

function countCorrect({ logits, labels }: StepResult): number {
  return labels.filter((label, i) => (logits[i] as number) > 0 === (label === 1)).length;
}

const isAtLimit = ({ maxSteps }: LoopOptions, { step }: Position) => maxSteps !== null && step >= maxSteps;
const isAtPhaseLimit = ({ numSteps }: Phase, { phaseStep }: Position) => numSteps !== null && phaseStep >= numSteps;
