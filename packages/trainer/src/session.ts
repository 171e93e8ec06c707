import { setImmediate } from 'node:timers/promises';
import { combineSeeds, CrosscheckError } from '@crosscheck/contract';
import type { Loader } from '@crosscheck/data';
import { computeMetrics } from '@crosscheck/evaluation';
import { countParameters, type Model, type Optimizer, type Schedule, type TrainingInput } from '@crosscheck/model';
import { nameMetrics } from './epoch-totals.ts';
import type { EpochMetrics, Events, LoopCommand, Position } from './events.ts';
import { extractFeatures, type FeatureSet, featureInputs, type InputSource, pixelInputs } from './inputs.ts';
import type { Phase } from './phases.ts';
import { judgeBatches, judgeFeatures, type Judged, type Judging } from './judge.ts';

/** What one step did. A step whose loss or gradient is not finite is skipped and changes nothing. */
export interface StepResult {
  skipped: boolean;
  loss: number;
  /** [B] */
  logits: Float32Array;
  /** [B] */
  labels: Float32Array;
  batchSize: number;
  learningRate: number;
  gradientNorm: number;
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
  /** @returns null when told to stop */
  validate(): Events<EpochMetrics | null>;
  /** Of the last step. */
  learningRate(): number;
  close(): Promise<void>;
}

export interface SessionOptions {
  phase: Phase;
  model: Model;
  optimizer: Optimizer;
  schedule: Schedule;
  train: Loader;
  validation: Loader;
  seed: number;
  shuffle: boolean;
  clipNorm: number | null;
  frozenBatchNorm: 'keep' | 'update';
  /** Compute the features of frozen backbones once and train on them. */
  cacheFeatures: boolean;
  /** Samples of the training split. */
  trainSamples: number;
  /** The run ends with an error when so many steps in a row had a loss or gradient that is not finite. */
  maxSkippedSteps: number;
  /** FAKE iff probability > threshold; used by the validation's metrics. */
  threshold: number;
}

/** Features stay the same only when nothing that makes them changes from epoch to epoch. */
export function canCacheFeatures(phase: Phase, frozenBatchNorm: 'keep' | 'update'): boolean {
  return phase.freeze.vision && phase.freeze.text && !phase.augment && frozenBatchNorm === 'keep';
}

export function openSession(options: SessionOptions): PhaseSession {
  const { phase, model, train, validation, cacheFeatures } = options;
  const features: { train?: FeatureSet; validation?: FeatureSet } = {};
  const trainFeatures = () => features.train as FeatureSet;
  const order = { batchSize: phase.batchSize, shuffle: options.shuffle, seed: options.seed };
  const source = cacheFeatures ? featureInputs(trainFeatures, options.trainSamples, order) : pixelInputs(train);
  let lastRate = options.schedule(0).learningRate;
  return {
    stepsPerEpoch: source.batchesPerEpoch,
    trainable: countParameters(model, phase.freeze).trainable,
    cachesFeatures: cacheFeatures,
    async *prepare() {
      if (!cacheFeatures) return undefined;
      const ofTrain = yield* extractFeatures(model, train, phase);
      const ofValidation = ofTrain && (yield* extractFeatures(model, validation, phase));
      if (ofValidation === null) return 'stop-run';
      Object.assign(features, { train: ofTrain, validation: ofValidation });
      return undefined;
    },
    async *steps(position) {
      for await (const result of takeSteps(options, source, position)) {
        lastRate = result.learningRate;
        yield result;
      }
    },
    async *validate() {
      const judging = features.validation ? judgeFeatures(model, features.validation) : judgeBatches(model, validation);
      const judged = yield* showJudging(judging, phase, validation.batchesPerEpoch);
      return judged && validationMetrics(judged, options.threshold);
    },
    learningRate: () => lastRate,
    async close() {
      await Promise.all([train.close(), validation.close()]);
    },
  };
}

async function* takeSteps(options: SessionOptions, source: InputSource, from: Position): AsyncGenerator<StepResult> {
  let { phaseStep, step } = from;
  let skippedInRow = 0;
  let asked = performance.now();
  for await (const input of source.inputs(from.totalEpochs, from.batch)) {
    const arrived = performance.now();
    const result = takeStep(options, input, { phaseStep, step });
    const done = performance.now();
    const seconds = { dataSeconds: (arrived - asked) / 1000, stepSeconds: (done - asked) / 1000 };
    yield { ...result, ...seconds, nextBatch: input.position + 1 };
    if (!result.skipped) [phaseStep, step] = [phaseStep + 1, step + 1];
    skippedInRow = result.skipped ? skippedInRow + 1 : 0;
    if (skippedInRow >= options.maxSkippedSteps) throw divergedError(options, step, result.loss);
    // Steps compute without a pause: signals, timers and the tracker's requests get their turn here.
    await setImmediate();
    asked = performance.now();
  }
}

function divergedError({ phase, maxSkippedSteps }: SessionOptions, step: number, loss: number): CrosscheckError {
  return new CrosscheckError(
    'CROSSCHECK_TRAINING_DIVERGED',
    `${maxSkippedSteps} steps in a row after step ${step} of phase ${phase.name} had a loss or gradient that is not finite (loss ${loss}); ` +
      'lower training.learning_rate or training.clip_norm, or look for bad samples. The last good checkpoint is kept',
  );
}

type StepOutcome = Omit<StepResult, 'dataSeconds' | 'stepSeconds' | 'nextBatch'>;

function takeStep(options: SessionOptions, input: TrainingInput, at: { phaseStep: number; step: number }): StepOutcome {
  const { model, optimizer, phase, seed, clipNorm, frozenBatchNorm } = options;
  const { learningRate, beta1 } = options.schedule(at.phaseStep);
  const stepSeed = combineSeeds(seed, 'step', at.step);
  const gradients = model.computeGradients(input, { seed: stepSeed, freeze: phase.freeze, frozenBatchNorm });
  try {
    const { loss, logits } = gradients;
    const hyper = {
      learningRate,
      ...(beta1 === undefined ? {} : { beta1 }),
      ...(clipNorm === null ? {} : { clipNorm }),
    };
    const { gradientNorm, applied } = Number.isFinite(loss)
      ? optimizer.step(model.variables, gradients.gradients, hyper)
      : { gradientNorm: Number.NaN, applied: false };
    return { skipped: !applied, loss, logits, labels: input.label, batchSize: input.size, learningRate, gradientNorm };
  } finally {
    gradients.dispose();
  }
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
