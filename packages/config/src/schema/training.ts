import { epochMetricNames } from '@crosscheck/contract';
import { z } from 'zod';
import { fileNamePart } from './names.ts';

const rate = z.number().positive();
const epochs = z.int().min(1);
const optimizer = z.enum(['adamw', 'adam']);
const scheduler = z.enum(['onecycle', 'cosine', 'cosine_restarts', 'plateau', 'constant']);
const steps = z.int().min(0);
const decay = z.number().gt(0).max(1);

const epochMetric = z.enum(epochMetricNames);

const earlyStoppingSchema = z.strictObject({
  enabled: z.boolean().default(true).describe('stop when validation no longer improves'),
  patience: z.int().min(1).default(5).describe('epochs without improvement'),
  min_delta: z.number().min(0).default(0.001).describe('smaller changes are no improvement'),
  metric: epochMetric
    .default('val/accuracy')
    .describe('metric that chooses the best checkpoint and stops; a loss counts as better when lower'),
});

// Not `.partial()`: that would fill in the defaults of what a phase leaves out.
const earlyStoppingOverrides = z.strictObject({
  enabled: z.boolean().optional().describe('stop when validation no longer improves'),
  patience: z.int().min(1).optional().describe('epochs without improvement'),
  min_delta: z.number().min(0).optional().describe('smaller changes are no improvement'),
  metric: epochMetric.optional().describe('validation metric'),
});

export const lossSchema = z.strictObject({
  name: z.enum(['bce', 'focal']).default('bce').describe('binary cross entropy, or focal: easy posts count less'),
  pos_weight: z
    .union([z.number().positive(), z.literal('balanced')])
    .default(1)
    .describe('weight of FAKE posts against REAL ones; balanced = REAL posts / FAKE posts of the training split'),
  label_smoothing: z.number().min(0).lt(1).default(0).describe('moves the targets 0 and 1 by half of it inwards'),
  focal_gamma: z.number().min(0).default(2).describe('focal: how much less easy posts count; 0 = bce'),
});

const unfreezingSchema = z.strictObject({
  enabled: z.boolean().default(false).describe('open backbones block by block from the top, not all at once'),
  epochs_per_block: epochs.default(1).describe('epochs until the next block of each backbone learns too'),
});

const distributedSchema = z.strictObject({
  processes: z
    .int()
    .min(1)
    .default(1)
    .describe('processes that train together on this machine, each on a GPU of its own where there are several'),
  hosts: z
    .array(z.string().min(1))
    .min(1)
    .nullable()
    .default(null)
    .describe('host:port of every worker, for Indexed Jobs: JOB_COMPLETION_INDEX says which of them this one is'),
  start_seconds: z.number().positive().default(600).describe('how long workers wait for each other at the start'),
  timeout_seconds: z
    .number()
    .positive()
    .default(60)
    .describe('the run ends when a worker that the others wait for has not been heard of for so long'),
  gradient_dtype: z
    .enum(['float32', 'bfloat16'])
    .default('float32')
    .describe('numbers in which gradients travel between workers; bfloat16 = half the bytes, 8 bits of precision'),
});

/** One phase of a run; what it leaves out falls back to `training.*` and `model.*`. */
const phaseSchema = z.strictObject({
  num_epochs: epochs.optional().describe('training epochs'),
  num_steps: z.int().min(1).optional().describe('end the phase after so many optimizer steps'),
  augmentation: z
    .boolean()
    .optional()
    .describe('augment images; features of frozen backbones are computed once, unless feature_cache.views=0'),
  learning_rate: rate.optional().describe('peak learning rate'),
  freeze_vision: z.boolean().optional().describe('keep the vision backbone as it is'),
  freeze_text: z.boolean().optional().describe('keep the text backbone as it is'),
  optimizer: optimizer.optional().describe('adamw or adam'),
  use_scheduler: z.boolean().optional().describe('false = constant learning rate'),
  scheduler: scheduler.optional().describe('course of the learning rate within this phase'),
  warmup_steps: steps.optional().describe('linear rise ahead of the scheduler'),
  optimizer_state: z
    .enum(['reset', 'keep'])
    .optional()
    .describe('keep = go on with the moments of the phase before; reset, the default, starts anew'),
  accumulate_steps: z.int().min(1).optional().describe('batches per optimizer step'),
  layer_decay: decay.optional().describe('factor on the learning rate per block away from the heads'),
  gradual_unfreezing: unfreezingSchema.optional().describe('open backbones block by block'),
  weight_decay: z.number().min(0).optional().describe('decay of the weights'),
  batch_size: z.int().min(1).optional().describe('samples per step'),
  early_stopping: earlyStoppingOverrides.optional().describe('keys that differ from training.early_stopping'),
});

/** JavaScript puts keys that look like numbers first, so that phases would not run in the order in which they are written. */
function checkPhaseNames(phases: Record<string, unknown>, context: z.RefinementCtx): void {
  const names = Object.keys(phases);
  const complain = (message: string) => context.addIssue({ code: 'custom', message });
  if (names.length === 0)
    complain('training.phases names no phase; give one, as in {frozen: {num_epochs: 1}}, or null');
  for (const name of names)
    if (/^\d+$/.test(name)) complain(`the name of a phase is no number, got ${name}; name it p${name}`);
}

const modalityDropoutSchema = z
  .strictObject({
    image: z.number().min(0).max(1).default(0).describe('probability that a post is shown without its picture'),
    text: z.number().min(0).max(1).default(0).describe('probability that a post is shown without its words'),
  })
  .refine(({ image, text }) => image + text <= 1, {
    error: 'image and text must add up to at most 1: a post never loses both',
  });

/** `training.*`: how the network is trained and where results go. */
export const trainingSchema = z.strictObject({
  experiment_name: z.string().min(1).default('multimodal_fake_news_detection').describe('MLflow experiment'),
  version: fileNamePart('training.version')
    .default('1.8')
    .describe('names the checkpoint: best_model_<version>.safetensors'),
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
  scheduler: scheduler
    .default('onecycle')
    .describe(
      'onecycle as the original; cosine falls from learning_rate to min_lr; cosine_restarts does so again and again; plateau falls when validation stands still',
    ),
  min_lr: z.number().min(0).default(1e-6).describe('where cosine and plateau end'),
  warmup_steps: steps.default(0).describe('linear rise from 0 ahead of the scheduler; onecycle has a rise of its own'),
  restart_epochs: epochs.default(1).describe('cosine_restarts: length of the first cosine'),
  restart_factor: z
    .int()
    .min(1)
    .default(2)
    .describe('cosine_restarts: each cosine is so many times as long as the last'),
  plateau_factor: z.number().gt(0).lt(1).default(0.1).describe('plateau: what the learning rate is multiplied by'),
  plateau_patience: epochs.default(2).describe('plateau: epochs without improvement of early_stopping.metric'),
  accumulate_steps: z
    .int()
    .min(1)
    .default(1)
    .describe('batches of an optimizer step, which workers share; the gradient is the mean over their samples'),
  loss: lossSchema.prefault({}),
  class_balanced_sampling: z
    .boolean()
    .default(false)
    .describe('as many FAKE as REAL posts in every epoch; posts of the rarer label repeat'),
  modality_dropout: modalityDropoutSchema.prefault({}),
  layer_decay: decay
    .default(1)
    .describe('factor on the learning rate per block away from the heads; 1 = the same everywhere'),
  gradual_unfreezing: unfreezingSchema.prefault({}),
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
  checkpoint_dir: z
    .string()
    .min(1)
    .default('./checkpoints')
    .describe('folder of checkpoints; jobs of a sweep keep theirs in their run folders'),
  save_frequency: z.int().min(0).default(5).describe('also keep a checkpoint every so many epochs; 0 = only the best'),
  seed: z.int().min(0).default(42).describe('fixes order, dropout, augmentation and initial weights'),
  early_stopping: earlyStoppingSchema.prefault({}),
  mixed_precision: z
    .boolean()
    .default(false)
    .describe('matrix products of a text backbone that learns in bfloat16, others on a GPU in TF32; faster, not exact'),
  frozen_batch_norm: z
    .enum(['keep', 'update'])
    .default('keep')
    .describe(
      'running statistics of a frozen vision backbone: keep them bit-identical, or update them as the original does',
    ),
  feature_cache: z
    .strictObject({
      enabled: z.boolean().default(true).describe('compute the features of frozen backbones once'),
      dir: z
        .string()
        .min(1)
        .nullable()
        .default(null)
        .describe("folder that keeps features for later runs; null = features in the user's cache"),
      max_bytes: z
        .int()
        .min(0)
        .default(4_294_967_296)
        .describe('features used longest ago go when there are more; posts that need more are computed in every epoch'),
      views: z
        .int()
        .min(0)
        .default(2)
        .describe(
          'augmented views per image that are kept and shown in turn; 0 = augmented images go through the backbones in every epoch',
        ),
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
  distributed: distributedSchema.prefault({}),
  report: z.boolean().default(true).describe('draw plots and report.html when training ends'),
  print_metrics: z
    .boolean()
    .default(false)
    .describe('print every metric of an epoch as `time name=value`, which Katib reads from stdout'),
  log_every_steps: z.int().min(1).default(10).describe('steps between two metric records'),
  resume: z.string().nullable().default(null).describe('run folder or training state to go on from; null = a new run'),
  phases: z
    .record(z.string().min(1), phaseSchema)
    .superRefine(checkPhaseNames)
    .nullable()
    .default(null)
    .describe('phases of one run by name, in the order in which they are written; null = a single phase'),
});
