import { z } from 'zod';

const rate = z.number().positive();
const epochs = z.int().min(1);
const optimizer = z.enum(['adamw', 'adam']);

export const earlyStoppingSchema = z.strictObject({
  enabled: z.boolean().default(true).describe('stop when validation no longer improves'),
  patience: z.int().min(1).default(5).describe('epochs without improvement'),
  min_delta: z.number().min(0).default(0.001).describe('smaller changes are no improvement'),
  metric: z.string().default('val/accuracy').describe('validation metric; a loss counts as better when lower'),
});

/** One phase of a run; what it leaves out falls back to `training.*` and `model.*`. */
export const phaseSchema = z.strictObject({
  name: z.string().min(1).describe('name in progress, metrics and checkpoints'),
  num_epochs: epochs.optional().describe('training epochs'),
  num_steps: z.int().min(1).optional().describe('end the phase after so many optimizer steps'),
  augmentation: z
    .boolean()
    .optional()
    .describe('augment pictures; without it the features of frozen backbones are computed once'),
  learning_rate: rate.optional().describe('peak learning rate'),
  freeze_vision: z.boolean().optional().describe('keep the vision backbone as it is'),
  freeze_text: z.boolean().optional().describe('keep the text backbone as it is'),
  optimizer: optimizer.optional().describe('adamw or adam'),
  use_scheduler: z.boolean().optional().describe('OneCycle within this phase'),
  weight_decay: z.number().min(0).optional().describe('decay of the weights'),
  batch_size: z.int().min(1).optional().describe('samples per step'),
  early_stopping: earlyStoppingSchema.partial().optional().describe('keys that differ from training.early_stopping'),
});

/** `training.*`: how the network is trained and where results go. */
export const trainingSchema = z.strictObject({
  experiment_name: z.string().min(1).default('multimodal_fake_news_detection').describe('MLflow experiment'),
  version: z.string().min(1).default('1.8').describe('names the checkpoint: best_model_<version>.safetensors'),
  tracking_uri: z.string().nullable().default('sqlite:///mlflow.db').describe('MLflow server or store'),
  num_epochs: epochs.default(5).describe('training epochs'),
  num_steps: z.int().min(1).nullable().default(null).describe('stop after so many optimizer steps; null = no limit'),
  batch_size: z.int().min(1).default(32).describe('samples per step'),
  learning_rate: rate.default(2e-5).describe('peak learning rate'),
  weight_decay: z.number().min(0).default(0.01).describe('decay of the weights'),
  optimizer: optimizer
    .default('adamw')
    .describe('adamw decays weights apart from the gradient; adam adds the decay to it'),
  use_scheduler: z.boolean().default(true).describe('false = constant learning rate'),
  scheduler: z
    .enum(['onecycle', 'cosine'])
    .default('onecycle')
    .describe('onecycle as the original; cosine falls from learning_rate to min_lr'),
  min_lr: z.number().min(0).default(1e-6).describe('where the cosine schedule ends'),
  clip_norm: z
    .number()
    .positive()
    .nullable()
    .default(1)
    .describe('gradients are scaled down to this global norm; null = never'),
  no_decay_on_bias_and_norm: z
    .boolean()
    .default(false)
    .describe("spare biases and norms from decay; torch's AdamW decays everything"),
  adam_beta1: z.number().min(0).lt(1).default(0.9).describe('decay of the first moment'),
  adam_beta2: z.number().min(0).lt(1).default(0.999).describe('decay of the second moment'),
  adam_epsilon: z.number().positive().default(1e-8).describe('added to the root of the second moment'),
  num_workers: z.int().min(0).default(1).describe('threads that decode pictures; 0 = none'),
  checkpoint_dir: z.string().min(1).default('./checkpoints').describe('folder of checkpoints'),
  save_frequency: z.int().min(0).default(5).describe('also keep a checkpoint every so many epochs; 0 = only the best'),
  seed: z.int().min(0).default(42).describe('fixes order, dropout, augmentation and initial weights'),
  early_stopping: earlyStoppingSchema.prefault({}),
  mixed_precision: z.boolean().default(false).describe('bfloat16 matrix products; faster, not exact'),
  frozen_batch_norm: z
    .enum(['keep', 'update'])
    .default('keep')
    .describe(
      'running statistics of a frozen vision backbone: keep them bit-identical, or update them as the original does',
    ),
  feature_cache: z
    .strictObject({
      enabled: z.boolean().default(true).describe('compute the features of frozen backbones once'),
    })
    .prefault({}),
  save_every_steps: z
    .int()
    .min(1)
    .nullable()
    .default(null)
    .describe('save the training state inside an epoch too, every so many steps; null = after each epoch only'),
  max_skipped_steps: z
    .int()
    .min(1)
    .default(10)
    .describe('end the run after so many steps in a row without a finite loss'),
  log_every_steps: z.int().min(1).default(10).describe('steps between two metric records'),
  resume: z.string().nullable().default(null).describe('run folder or training state to go on from; null = a new run'),
  phases: z.array(phaseSchema).min(1).nullable().default(null).describe('phases of one run; null = a single phase'),
});
