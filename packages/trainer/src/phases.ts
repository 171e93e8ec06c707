import type { TrainConfig } from '@crosscheck/config';
import type { Freeze } from '@crosscheck/model';
import type { EarlyStopping } from './consumers/early-stopping.ts';

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
  useScheduler: boolean;
  /** Whether pictures are augmented; features of frozen backbones can only be kept when they are not. */
  augment: boolean;
  earlyStopping: EarlyStopping;
}

type PhaseConfig = Partial<NonNullable<TrainConfig['training']['phases']>[number]>;

/** What a phase does when nobody named it. */
export function nameOfFreeze({ vision, text }: Freeze): string {
  if (vision && text) return 'frozen';
  if (vision) return 'text';
  return text ? 'vision' : 'finetune';
}

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
export function resolvePhases({ training, model, data }: TrainConfig): Phase[] {
  const configured: PhaseConfig[] = training.phases ?? [{}];
  return configured.map((phase, index) => {
    const freeze = { vision: phase.freeze_vision ?? model.freeze_vision, text: phase.freeze_text ?? model.freeze_text };
    return {
      index,
      name: phase.name ?? nameOfFreeze(freeze),
      numEpochs: phase.num_epochs ?? training.num_epochs,
      numSteps: phase.num_steps ?? null,
      batchSize: phase.batch_size ?? training.batch_size,
      freeze,
      learningRate: phase.learning_rate ?? training.learning_rate,
      weightDecay: phase.weight_decay ?? training.weight_decay,
      optimizer: phase.optimizer ?? training.optimizer,
      useScheduler: phase.use_scheduler ?? training.use_scheduler,
      augment: phase.augmentation ?? data.augmentation.enabled,
      earlyStopping: earlyStoppingOf(training.early_stopping, phase.early_stopping ?? {}),
    };
  });
}
