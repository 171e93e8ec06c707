import { countSamples, type Loader } from '@crosscheck/data';
import { loadWeights, type Optimizer } from '@crosscheck/engine';
import { isBetterEpoch } from '@crosscheck/evaluation';
import { openCheckpoint } from '@crosscheck/weights';
import type { Best } from '../consumers/checkpoints.ts';
import { openLoader } from '../data/run-data.ts';
import { requireSameWeights } from '../distributed/require-alike.ts';
import { decideCaching, planFeatures } from '../features/plan-features.ts';
import { trainableIn } from '../loop/blocks.ts';
import type { Position } from '../loop/events.ts';
import type { EpochRecord } from '../loop/history.ts';
import type { Phase } from '../loop/phases.ts';
import { buildSchedule } from '../loop/schedule.ts';
import { openSession, type PhaseSession } from '../loop/session.ts';
import { resolveLoss } from '../loop/step/loss.ts';
import { buildOptimizer } from '../loop/step/optimizer.ts';
import type { OpenRun } from './open-run.ts';

export interface OpenedPhase {
  session: PhaseSession;
  optimizer: Optimizer;
}

/** Sets up one phase: loaders, the schedule, and an optimizer: a fresh one, the interrupted run's, or with the moments of `previous`. */
export async function openPhase(
  open: OpenRun,
  phase: Phase,
  { position, previous }: { position: Position; previous: Optimizer | undefined },
): Promise<OpenedPhase> {
  const { config, model, manifests, history, resumed, workers } = open;
  const { training, data } = config;
  const optimizer = buildOptimizer(config, phase, model);
  if (resumed && isResumedAt(open, phase, position)) await resumed.state.restore(model, optimizer);
  else if (previous && phase.optimizerState === 'keep') optimizer.restore(previous.state(), model.variables);
  await requireSameWeights(workers, model);
  optimizer.prepare(model.variables, trainableIn(model, phase, position.epoch));
  const cacheFeatures = (await workers.gather(decideCaching(open, phase))).every(Boolean);
  const order = { shuffle: data.shuffle, seed: training.seed, balanced: training.class_balanced_sampling };
  const { train, validation } = openLoaders(open, phase, cacheFeatures ? inFileOrder : order);
  const trainLabels = manifests.train.samples.map(({ label }) => label);
  const batches = cacheFeatures ? countSamples(trainLabels, order) / phase.batchSize : train.batchesPerEpoch;
  const stepsPerEpoch = Math.ceil(Math.ceil(batches) / phase.accumulateSteps);
  const session = openSession({
    phase,
    workers,
    model,
    optimizer,
    schedule: buildSchedule(config, phase, stepsPerEpoch, history),
    loss: resolveLoss(config, manifests.train.samples),
    train,
    validation,
    order,
    stepsPerEpoch,
    seed: training.seed,
    clipNorm: training.clip_norm,
    frozenBatchNorm: training.frozen_batch_norm,
    mixedPrecision: training.mixed_precision,
    modalityDropout: training.modality_dropout,
    features: cacheFeatures ? planFeatures(open, phase, { train, validation }) : null,
    maxSkippedSteps: training.max_skipped_steps,
    threshold: 0.5,
  });
  const close = async () => {
    for (const problem of [...train.problems, ...validation.problems]) {
      open.unreadable.set(`${problem.file}:${problem.line}`, problem);
    }
    await session.close();
  };
  return { session: { ...session, close }, optimizer };
}

/** Features are made once, of every sample, wherever training will need it. */
const inFileOrder = { shuffle: false, balanced: false };

function openLoaders(
  { config, manifests, tokenizer, warn }: OpenRun,
  { batchSize, augment }: Phase,
  order: { shuffle: boolean; balanced: boolean },
): { train: Loader; validation: Loader } {
  const shared = { tokenizer, batchSize, warn };
  return {
    train: openLoader(config, manifests.train, {
      ...shared,
      shuffle: order.shuffle,
      balanced: order.balanced,
      augment,
    }),
    validation: openLoader(config, manifests.val, { ...shared, shuffle: false, augment: false }),
  };
}

/** True for the point at which an interrupted run goes on: weights and moments come from its state. */
export function isResumedAt({ resumed }: OpenRun, phase: Phase, position: Position): boolean {
  const saved = resumed?.state.description.point.position;
  return saved?.phase === phase.index && saved.step === position.step;
}

/** Puts the weights of the best epoch back. */
export async function returnToBest({ model }: Pick<OpenRun, 'model'>, best: Best | null): Promise<void> {
  if (best === null) return;
  const checkpoint = await openCheckpoint(best.path);
  try {
    await loadWeights(model, checkpoint);
  } finally {
    await checkpoint.close();
  }
}

/**
 * A new phase goes on from the best epoch so far, as the original's second run does from the first one's checkpoint, if that is an epoch of
 * the phase before and better than its last; else from that phase's last state: no phase is undone for nothing.
 */
export async function startFrom(open: OpenRun, best: Best | null): Promise<void> {
  const { config, history, say } = open;
  const last = history.at(-1);
  if (best === null || last === undefined) return;
  const isWorthIt = isWorthReturning(history, best, config.training.early_stopping);
  if (isWorthIt) await returnToBest(open, best);
  if (isWorthIt || best.epoch === last.epoch) say(`going on from epoch ${best.epoch}, the best so far`);
  else say(`going on from epoch ${last.epoch}, the last one: phase ${last.phase} has none that is better`);
}

type Choice = Pick<OpenRun['config']['training']['early_stopping'], 'metric' | 'min_delta'>;

/** Decided by the history, so that a resumed run decides alike. */
export function isWorthReturning(
  history: readonly EpochRecord[],
  { epoch }: Pick<Best, 'epoch'>,
  { metric, min_delta }: Choice,
): boolean {
  const [last, best] = [history.at(-1), history.find((record) => record.epoch === epoch)];
  if (!last || best?.phaseIndex !== last.phaseIndex) return false;
  return isBetterEpoch(metric, best.metrics, last.metrics, min_delta);
}
