import type { TrainConfig } from '@crosscheck/config';
import type { Freeze } from '@crosscheck/network';

export type SchedulerName = TrainConfig['training']['scheduler'];

export interface EarlyStopping {
  enabled: boolean;
  /** Epochs without improvement before a phase ends. */
  patience: number;
  /** Smallest change that counts as improvement. */
  minDelta: number;
  /** Watched metric, such as `val/loss` or `val/accuracy`. */
  metric: string;
}

/** One part of a run with its own freezes, rate and length. */
export interface Phase {
  index: number;
  name: string;
  numEpochs: number;
  /** Ends the phase after so many optimizer steps. */
  numSteps: number | null;
  batchSize: number;
  freeze: Freeze;
  learningRate: number;
  weightDecay: number;
  optimizer: 'adam' | 'adamw';
  /** Whether the moments of the phase before are kept. */
  optimizerState: 'reset' | 'keep';
  scheduler: SchedulerName;
  /** Linear rise ahead of the scheduler. */
  warmupSteps: number;
  /** Batches per optimizer step: its parts, which workers share. The last step of an epoch may have fewer. */
  accumulateSteps: number;
  /** Factor on the learning rate per block away from the heads. */
  layerDecay: number;
  /** Epochs after which the next block of each backbone learns too; null = all learn from the beginning. */
  unfreezeEvery: number | null;
  /** Whether images are augmented; of frozen backbones `training.feature_cache.views` of each are kept then. */
  augment: boolean;
  earlyStopping: EarlyStopping;
}

type PhaseConfig = NonNullable<TrainConfig['training']['phases']>[string];

/** What a phase does when nobody named it. */
export function nameOfFreeze({ vision, text }: Freeze): string {
  if (vision && text) return 'frozen';
  if (vision) return 'text';
  return text ? 'vision' : 'finetune';
}

const unfreezingOf = ({ enabled, epochs_per_block }: TrainConfig['training']['gradual_unfreezing']) =>
  enabled ? epochs_per_block : null;

type EarlyStoppingConfig = TrainConfig['training']['early_stopping'];

function earlyStoppingOf(shared: EarlyStoppingConfig, own: NonNullable<PhaseConfig['early_stopping']>): EarlyStopping {
  return {
    enabled: own.enabled ?? shared.enabled,
    patience: own.patience ?? shared.patience,
    minDelta: own.min_delta ?? shared.min_delta,
    metric: own.metric ?? shared.metric,
  };
}

/** The phases of a run: `training.phases`, or one phase of `training.*` and `model.freeze_*` as in the original's runs. */
export function resolvePhases(config: TrainConfig): Phase[] {
  const unnamed: [null, PhaseConfig][] = [[null, {}]];
  const configured = config.training.phases === null ? unnamed : Object.entries(config.training.phases);
  return configured.map(([name, phase], index) => {
    const freeze = freezeOf(phase, config);
    return {
      index,
      name: name ?? nameOfFreeze(freeze),
      freeze,
      augment: phase.augmentation ?? config.data.augmentation.enabled,
      ...lengthOf(phase, config.training),
      ...updatesOf(phase, config.training),
      ...scheduleOf(phase, config.training),
      unfreezeEvery: unfreezingOf(phase.gradual_unfreezing ?? config.training.gradual_unfreezing),
      earlyStopping: earlyStoppingOf(config.training.early_stopping, phase.early_stopping ?? {}),
    };
  });
}

type Training = TrainConfig['training'];

function freezeOf(phase: PhaseConfig, { model }: TrainConfig): Freeze {
  return { vision: phase.freeze_vision ?? model.freeze_vision, text: phase.freeze_text ?? model.freeze_text };
}

function lengthOf(phase: PhaseConfig, training: Training) {
  return {
    numEpochs: phase.num_epochs ?? training.num_epochs,
    numSteps: phase.num_steps ?? null,
    batchSize: phase.batch_size ?? training.batch_size,
    accumulateSteps: phase.accumulate_steps ?? training.accumulate_steps,
  };
}

function updatesOf(phase: PhaseConfig, training: Training) {
  return {
    optimizer: phase.optimizer ?? training.optimizer,
    optimizerState: phase.optimizer_state ?? 'reset',
    weightDecay: phase.weight_decay ?? training.weight_decay,
    layerDecay: phase.layer_decay ?? training.layer_decay,
  };
}

function scheduleOf(phase: PhaseConfig, training: Training) {
  const isScheduled = phase.use_scheduler ?? training.use_scheduler;
  return {
    learningRate: phase.learning_rate ?? training.learning_rate,
    scheduler: isScheduled ? (phase.scheduler ?? training.scheduler) : ('constant' as const),
    warmupSteps: phase.warmup_steps ?? training.warmup_steps,
  };
}
