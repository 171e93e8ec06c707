import { loadWeights, openCheckpoint, type Optimizer } from '@crosscheck/model';
import type { Best } from './consumers/checkpoints.ts';
import type { Position } from './events.ts';
import type { OpenRun } from './open-run.ts';
import type { Phase } from './phases.ts';
import { openLoader } from './run-data.ts';
import { buildOptimizer, buildSchedule } from './schedule.ts';
import { canCacheFeatures, openSession, type PhaseSession } from './session.ts';

/** Sets up one phase: loaders, a fresh optimizer (or the interrupted one), the schedule. */
export async function openPhase(
  open: OpenRun,
  phase: Phase,
  position: Position,
): Promise<{ session: PhaseSession; optimizer: Optimizer }> {
  const { config, model, manifests, tokenizer, resumed } = open;
  const { training, data } = config;
  const optimizer = buildOptimizer(config, phase, model);
  if (resumed && isResumedAt(open, phase, position)) await resumed.state.restore(model, optimizer);
  const cacheFeatures = training.feature_cache.enabled && canCacheFeatures(phase, training.frozen_batch_norm);
  const shared = { tokenizer, batchSize: phase.batchSize };
  const train = openLoader(config, manifests.train, {
    ...shared,
    shuffle: data.shuffle && !cacheFeatures,
    augment: phase.augment,
  });
  const validation = openLoader(config, manifests.val, { ...shared, shuffle: false, augment: false });
  const session = openSession({
    phase,
    model,
    optimizer,
    schedule: buildSchedule(config, phase, train.batchesPerEpoch),
    train,
    validation,
    trainSamples: manifests.train.samples.length,
    seed: training.seed,
    shuffle: data.shuffle,
    clipNorm: training.clip_norm,
    frozenBatchNorm: training.frozen_batch_norm,
    cacheFeatures,
    maxSkippedSteps: training.max_skipped_steps,
    threshold: 0.5,
  });
  return { session, optimizer };
}

/** True for the point at which an interrupted run goes on: weights and moments come from its state. */
export function isResumedAt({ resumed }: OpenRun, phase: Phase, position: Position): boolean {
  const saved = resumed?.state.description.point.position;
  return saved?.phase === phase.index && saved.step === position.step;
}

/** A new phase goes on from the best epoch so far, as the original's second run does from the first one's checkpoint. */
export async function returnToBest({ model, say }: OpenRun, best: Best | null): Promise<void> {
  if (best === null) return;
  const checkpoint = await openCheckpoint(best.path);
  try {
    await loadWeights(model, checkpoint);
  } finally {
    await checkpoint.close();
  }
  say(`going on from epoch ${best.epoch}, the best so far`);
}
