import { setImmediate } from 'node:timers/promises';
import type { CrosscheckError } from '@crosscheck/contract';
import { type Loader, noReadablePicture, type OrderOptions } from '@crosscheck/data';
import { computeMetrics } from '@crosscheck/evaluation';
import { countParameters } from '@crosscheck/network';
import { inRounds, ownPart, type Rounds } from '../distributed/rounds.ts';
import { type FeatureRecipe } from '../features/compute-features.ts';
import type { KeptFeatures } from '../features/feature-cache.ts';
import { prepareFeatures } from '../features/prepare-features.ts';
import { divergedError, type NotFinite } from './diverged.ts';
import { nameMetrics } from './epoch-totals.ts';
import type { EpochMetrics, Events, LoopCommand, Position } from './events.ts';
import { featureInputs, type InputSource, pixelInputs } from './inputs.ts';
import { type Judged, type Judging, judgeBatches, judgeFeatures, rowsPerPass } from './judge.ts';
import type { Phase } from './phases.ts';
import { type StepOptions } from './step/step-sums.ts';
import { type StepOutcome, takeStep } from './step/take-step.ts';

/** What one step did, and how long it took. */
export interface StepResult extends StepOutcome {
  stepSeconds: number;
  dataSeconds: number;
  /** Where the epoch goes on. */
  nextBatch: number;
}

/** A phase that has been set up: the loop asks it for steps and validations. */
export interface PhaseSession {
  stepsPerEpoch: number;
  /** Parameters that learn. */
  trainable: number;
  cachesFeatures: boolean;
  /** Work before the first step: features of frozen backbones. @returns a command to stop that was obeyed */
  prepare(): Events<LoopCommand | undefined>;
  /** The steps of the epoch that `position` is in, from its batch on. */
  steps(position: Position): AsyncGenerator<StepResult>;
  /**
   * @returns null when told to stop
   * @throws CROSSCHECK_TRAINING_DIVERGED when an answer is not finite
   */
  validate(position: Position): Events<EpochMetrics | null>;
  /** Of the last step. */
  learningRate(): number;
  close(): Promise<void>;
}

export interface SessionOptions extends StepOptions {
  train: Loader;
  validation: Loader;
  /** Order of the training samples. */
  order: OrderOptions;
  /** How the features of frozen backbones are computed once, to train on them; null = not at all. */
  features: { train: FeatureRecipe; validation: FeatureRecipe } | null;
  /** Optimizer steps in an epoch. */
  stepsPerEpoch: number;
  /** The run ends with an error when so many steps in a row had a loss or gradient that is not finite. */
  maxSkippedSteps: number;
  /** FAKE iff probability > threshold; used by the validation's metrics. */
  threshold: number;
}

/** Features stay the same only when nothing that makes them changes from epoch to epoch; augmented pictures when their views are kept. */
export function canCacheFeatures(phase: Phase, frozenBatchNorm: 'keep' | 'update', views: number): boolean {
  return phase.freeze.vision && phase.freeze.text && (!phase.augment || views > 0) && frozenBatchNorm === 'keep';
}

export function openSession(options: SessionOptions): PhaseSession {
  const { phase, model, workers, train, validation, features: recipes } = options;
  const made: { train?: KeptFeatures; validation?: KeptFeatures } = {};
  const order = { ...options.order, batchSize: phase.batchSize, views: recipes?.train.views ?? 1 };
  const source = recipes ? featureInputs(() => (made.train as KeptFeatures).features, order) : pixelInputs(train);
  const health: Health = { skippedInRow: 0, lastLoss: null, learningRate: options.schedule(0).learningRate };
  return {
    stepsPerEpoch: options.stepsPerEpoch,
    trainable: countParameters(model, phase.freeze).trainable,
    cachesFeatures: recipes !== null,
    async *prepare() {
      for (const split of ['train', 'validation'] as const) {
        const kept = recipes && (yield* prepareFeatures(recipes[split]));
        if (kept) made[split] = kept;
        else if (recipes) return 'stop-run';
      }
      return undefined;
    },
    async *steps(position) {
      // An epoch that was interrupted after its last step has none left, and reports that one's rate.
      if (position.phaseStep > 0) health.learningRate = options.schedule(position.phaseStep - 1).learningRate;
      yield* takeSteps(options, source, { position, health });
    },
    async *validate({ step, totalEpochs }) {
      const features = made.validation?.features;
      const judging = features ? judgeFeatures(model, features, { workers }) : judgeBatches(model, validation, workers);
      const passes = features ? Math.ceil(features.size / rowsPerPass) : validation.batchesPerEpoch;
      const judged = yield* showJudging(judging, phase, passes);
      if (judged && !judged.logits.every(Number.isFinite))
        throw diverged(options, health, {
          step,
          totalEpochs,
          what: ['validation', 'gave answers that are not finite'],
        });
      return judged && validationMetrics(judged, options.threshold);
    },
    learningRate: () => health.learningRate,
    async close() {
      made.train?.close();
      made.validation?.close();
      await Promise.all([train.close(), validation.close()]);
    },
  };
}

/** What the steps of a phase have come to, over all its epochs: an epoch may be a single step. */
interface Health {
  skippedInRow: number;
  /** Of the last step that was taken. */
  lastLoss: number | null;
  learningRate: number;
}

async function* takeSteps(
  options: SessionOptions,
  source: InputSource,
  { position: from, health }: { position: Position; health: Health },
): AsyncGenerator<StepResult> {
  const { workers, phase } = options;
  const { epoch, totalEpochs, batch } = from;
  let { phaseStep, step } = from;
  let samples = 0;
  let asked = performance.now();
  const rounds: Rounds = { workers, begin: batch, end: source.count(), parts: phase.accumulateSteps };
  for await (const { begin, end, own } of inRounds(source.inputs(totalEpochs, batch, ownPart(rounds)), rounds)) {
    const arrived = performance.now();
    const ownParts = own.map((input) => ({ index: input.position - begin, input }));
    const result = await takeStep(options, ownParts, { phaseStep, step, epoch });
    if (result === null) continue;
    samples += result.batchSize;
    const done = performance.now();
    const seconds = { dataSeconds: (arrived - asked) / 1000, stepSeconds: (done - asked) / 1000 };
    note(health, result);
    yield { ...result, ...seconds, nextBatch: end };
    if (!result.skipped) [phaseStep, step] = [phaseStep + 1, step + 1];
    if (health.skippedInRow >= options.maxSkippedSteps)
      throw diverged(options, health, { step, totalEpochs, what: inARow(health, result) });
    // Steps compute without a pause: signals, timers and the tracker's requests get their turn here.
    await setImmediate();
    asked = performance.now();
  }
  if (batch > 0) return;
  if (samples === 0) throw noReadablePicture(options.train.size);
  // An epoch may have fewer steps than may be skipped in a row.
  if (phaseStep === from.phaseStep && health.skippedInRow > 0)
    throw diverged(options, health, { step, totalEpochs, what: ['no step', 'had a finite loss and gradient'] });
}

const inARow = ({ skippedInRow }: Health, { loss }: StepOutcome): NotFinite => [
  `${skippedInRow} steps in a row`,
  `had a loss or gradient that is not finite (loss ${loss})`,
];

function note(health: Health, { skipped, loss, learningRate }: StepOutcome): void {
  health.skippedInRow = skipped ? health.skippedInRow + 1 : 0;
  health.learningRate = learningRate;
  if (!skipped) health.lastLoss = loss;
}

function diverged(options: SessionOptions, health: Health, { step, totalEpochs, what }: Place): CrosscheckError {
  const { phase, clipNorm, mixedPrecision } = options;
  const { lastLoss, learningRate } = health;
  return divergedError(what, { phase, epoch: totalEpochs + 1, step, lastLoss, learningRate, clipNorm, mixedPrecision });
}

interface Place {
  step: number;
  totalEpochs: number;
  what: NotFinite;
}

/** Passes a judging's progress on as events. @returns null when told to stop */
async function* showJudging(judging: Judging, phase: Phase, total: number): Events<Judged | null> {
  for (let next = await judging.next(); ; next = await judging.next()) {
    if (next.done) return next.value;
    const command = yield { kind: 'progress', phase, what: 'validation', done: next.value, total };
    if (command === 'stop-run') return null;
  }
}

function validationMetrics({ probabilities, labels }: Judged, threshold: number): EpochMetrics {
  const metrics = computeMetrics(probabilities, labels, threshold);
  return { 'val/loss': metrics.loss, ...nameMetrics('val', metrics) };
}
