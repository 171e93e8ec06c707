import type { InferenceConfig, TrainConfig } from './index.ts';

/** Keys that are read only sometimes; one that ends with a dot stands for all keys below it. */
export type ReadRule<C> = [keys: readonly string[], needs: string, isRead: (config: C) => boolean];

/** What a command reads of its config; keys that no rule names are always read. */
export interface Reads<C> {
  rules: readonly ReadRule<C>[];
  /** The phases whose own keys stand before those of `training.*`. */
  phases?: (config: C) => PhaseView[];
}

type PhaseConfig = NonNullable<TrainConfig['training']['phases']>[string];

/** A phase with what it takes from `training.*`, `model.*` and `data.*`. */
export interface PhaseView {
  /** Null for the only phase of a run without `training.phases`. */
  name: string | null;
  own: PhaseConfig;
  isScheduled: boolean;
  /** The course that it has; constant without a schedule. */
  course: TrainConfig['training']['scheduler'];
  stopsEarly: boolean;
  unfreezes: boolean;
  augments: boolean;
  freezesVision: boolean;
  freezesBoth: boolean;
}

/** Keys of `training.*` that a phase may set for itself, under the same name. */
const ownKeys = [
  'num_epochs',
  'batch_size',
  'learning_rate',
  'weight_decay',
  'optimizer',
  'use_scheduler',
  'scheduler',
  'warmup_steps',
  'accumulate_steps',
  'layer_decay',
  'early_stopping.enabled',
  'early_stopping.patience',
  'early_stopping.min_delta',
];

/** Shared key → the phase's key that stands before it. */
export const phaseKeys: ReadonlyMap<string, string> = new Map([
  ...ownKeys.map((key) => [`training.${key}`, key] as const),
  ['training.gradual_unfreezing.enabled', 'gradual_unfreezing'],
  ['training.gradual_unfreezing.epochs_per_block', 'gradual_unfreezing'],
  ['model.freeze_vision', 'freeze_vision'],
  ['model.freeze_text', 'freeze_text'],
  ['data.augmentation.enabled', 'augmentation'],
]);

/** Keys of a phase, and of `training.*` for phases that lack them. */
export const phaseRules: readonly ReadRule<PhaseView>[] = [
  [['scheduler'], 'training.use_scheduler=true', ({ isScheduled }) => isScheduled],
  [['early_stopping.patience'], 'training.early_stopping.enabled=true', ({ stopsEarly }) => stopsEarly],
  [
    ['early_stopping.min_delta'],
    'training.early_stopping.enabled=true or training.scheduler=plateau',
    ({ stopsEarly, course }) => stopsEarly || course === 'plateau',
  ],
  [['gradual_unfreezing.epochs_per_block'], 'training.gradual_unfreezing.enabled=true', ({ unfreezes }) => unfreezes],
];

const some = (isSo: (phase: PhaseView) => boolean) => (config: TrainConfig) => phaseViews(config).some(isSo);
const hasCourse = (...names: PhaseView['course'][]) => some(({ course }) => names.includes(course));
const isShared = ({ data }: TrainConfig) => data.csv_file !== null && data.csv_file !== '/';

const calibrationRules: readonly ReadRule<TrainConfig>[] = [
  [
    ['calibration.false_positive_cost', 'calibration.false_negative_cost'],
    'calibration.threshold=cost',
    ({ calibration }) => calibration.threshold === 'cost',
  ],
  [
    ['calibration.max_false_positive_rate'],
    'calibration.threshold=fpr',
    ({ calibration }) => calibration.threshold === 'fpr',
  ],
];

/** `train`; what only `evaluate`, `calibrate` and `export` read is taken too, so that one list of overrides serves all four. */
export const trainReads: Reads<TrainConfig> = {
  phases: phaseViews,
  rules: [
    [
      ['training.min_lr'],
      'training.scheduler=cosine, cosine_restarts or plateau',
      hasCourse('cosine', 'cosine_restarts', 'plateau'),
    ],
    [
      ['training.restart_epochs', 'training.restart_factor'],
      'training.scheduler=cosine_restarts',
      hasCourse('cosine_restarts'),
    ],
    [['training.plateau_factor', 'training.plateau_patience'], 'training.scheduler=plateau', hasCourse('plateau')],
    [['training.loss.focal_gamma'], 'training.loss.name=focal', ({ training }) => training.loss.name === 'focal'],
    [['training.frozen_batch_norm'], 'a phase with freeze_vision=true', some(({ freezesVision }) => freezesVision)],
    [
      ['training.feature_cache.dir', 'training.feature_cache.max_bytes'],
      'training.feature_cache.enabled=true',
      ({ training }) => training.feature_cache.enabled,
    ],
    [
      ['training.feature_cache.views'],
      'training.feature_cache.enabled=true and a phase with freeze_vision=true and freeze_text=true',
      (config) => config.training.feature_cache.enabled && phaseViews(config).some(({ freezesBoth }) => freezesBoth),
    ],
    // Only mlflow.* reads these, where it refers to them.
    [['training.tracking_uri'], 'mlflow.tracking_uri=${training.tracking_uri}', () => false],
    [['training.experiment_name'], 'mlflow.experiment_name=${training.experiment_name}', () => false],
    [
      ['data.augmentation.horizontal_flip', 'data.augmentation.rotation_degrees', 'data.augmentation.color_jitter.'],
      'data.augmentation.enabled=true',
      some(({ augments }) => augments),
    ],
    [['data.train_split'], 'data.csv_file', isShared],
    [
      ['data.train_file', 'data.val_file', 'data.images_dir_val'],
      'data.csv_file=null, which divides no single file',
      (config) => !isShared(config),
    ],
    [
      ['data.images_dir_train', 'data.images_dir_val', 'data.images_dir_test'],
      'data.images_dir=null, which is one folder for all splits',
      ({ data }) => data.images_dir === null,
    ],
    [
      ['data.pixel_cache.dir', 'data.pixel_cache.max_bytes'],
      'data.pixel_cache.enabled=true',
      ({ data }) => data.pixel_cache.enabled,
    ],
    [
      ['model.text.pretrained_model'],
      'model.text.weights=${.pretrained_model}, or model.text.tokenizer or a size of model.text that is null',
      ({ model: { text } }) =>
        text.weights === text.pretrained_model || text.tokenizer === null || text.hidden_size === null,
    ],
    [['model.best_model_name'], 'model.load_model=true', ({ model }) => model.load_model],
    [
      ['model.text.pooling'],
      'a model.fusion that looks at whole texts',
      ({ model }) => model.fusion !== 'cross_attention',
    ],
    [
      ['model.vision.weights'],
      'model.vision.pretrained=true',
      ({ model }) => model.vision.pretrained || model.load_model,
    ],
    [['mlflow.registered_model_name'], 'mlflow.log_model=true', ({ mlflow }) => mlflow.log_model],
    [
      ['mlflow.registered_model_alias'],
      'mlflow.registered_model_name',
      ({ mlflow }) => mlflow.log_model && mlflow.registered_model_name !== null,
    ],
    ...calibrationRules,
    [
      [
        'calibration.split',
        'calibration.on_used_rows',
        'calibration.temperature',
        'calibration.threshold',
        'calibration.target_accuracy',
        'calibration.target_coverage',
        'calibration.abstain_band',
      ],
      'calibration.enabled=true, or pnpm calibrate after training',
      ({ calibration }) => calibration.enabled,
    ],
  ],
};

export const calibrateReads: Reads<TrainConfig> = { rules: calibrationRules };

export const evaluateReads: Reads<TrainConfig> = {
  rules: [
    [
      ['evaluation.aggregation'],
      'evaluation.post_column, which names the post of each row',
      ({ evaluation }) => evaluation.post_column !== null,
    ],
  ],
};

export const exportReads: Reads<TrainConfig> = {
  rules: [
    [['export.calibration_rows'], 'export.precision=int8', ({ export: { precision } }) => precision === 'int8'],
    [
      ['export.max_probability_difference'],
      'export.precision=fp16 or int8',
      ({ export: { precision } }) => precision !== 'fp32',
    ],
  ],
};

const never = () => false;

export const inferReads: Reads<InferenceConfig> = {
  rules: [
    [['inference.single.'], 'inference.mode=single', ({ inference }) => inference.mode === 'single'],
    [
      ['inference.batch.', 'inference.batch_processing.', 'data.'],
      'inference.mode=batch',
      ({ inference }) => inference.mode === 'batch',
    ],
    [['inference.output.abstain_band'], 'inference.output.abstain=true', ({ inference }) => inference.output.abstain],
    [['serve.'], 'pnpm serve, which alone reads serve.*', never],
  ],
};

export const serveReads: Reads<InferenceConfig> = {
  rules: [
    [['inference.', 'data.'], 'pnpm infer: serve reads only serve.*', never],
    [
      ['serve.explain.concurrency', 'serve.explain.api_key', 'serve.explain.cache_seconds', 'serve.max_explanations'],
      'serve.explain.enabled=true',
      ({ serve }) => serve.explain.enabled,
    ],
    [
      ['serve.fetch.max_bytes', 'serve.fetch.timeout_ms'],
      'serve.fetch.hosts',
      ({ serve }) => serve.fetch.hosts.length > 0,
    ],
    [['serve.feedback.keep_posts'], 'serve.feedback.store', ({ serve }) => serve.feedback.store !== null],
    [
      ['serve.shadow.share', 'serve.shadow.queue_size'],
      'serve.shadow.artifact',
      ({ serve }) => serve.shadow.artifact !== null,
    ],
  ],
};

function phaseViews({ training, model, data }: TrainConfig): PhaseView[] {
  const phases: [string | null, PhaseConfig][] =
    training.phases === null ? [[null, {}]] : Object.entries(training.phases);
  return phases.map(([name, own]) => {
    const isScheduled = own.use_scheduler ?? training.use_scheduler;
    const freezesVision = own.freeze_vision ?? model.freeze_vision;
    return {
      name,
      own,
      isScheduled,
      course: isScheduled ? (own.scheduler ?? training.scheduler) : 'constant',
      stopsEarly: own.early_stopping?.enabled ?? training.early_stopping.enabled,
      unfreezes: (own.gradual_unfreezing ?? training.gradual_unfreezing).enabled,
      augments: own.augmentation ?? data.augmentation.enabled,
      freezesVision,
      freezesBoth: freezesVision && (own.freeze_text ?? model.freeze_text),
    };
  });
}
