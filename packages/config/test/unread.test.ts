import { describe, expect, test } from 'vitest';
import type { z } from 'zod';
import {
  calibrateReads,
  composeConfig,
  evaluateReads,
  exportReads,
  inferenceConfigSchema,
  inferReads,
  serveReads,
  trainConfigSchema,
  trainReads,
} from '../src/index.ts';
import { phaseKeys, phaseRules, type Reads } from '../src/schema/read-when.ts';
import { schemaAt, schemaKeys } from '../src/schema-walk.ts';

const of =
  <C>(configName: string, schema: z.ZodType<C>, reads: Reads<C>) =>
  (overrides: string[]) =>
    composeConfig({ configName, schema, reads, overrides });

const commands = {
  train: of('config', trainConfigSchema, trainReads),
  evaluate: of('config', trainConfigSchema, evaluateReads),
  calibrate: of('config', trainConfigSchema, calibrateReads),
  export: of('config', trainConfigSchema, exportReads),
  infer: of('config_inference', inferenceConfigSchema, inferReads),
  serve: of('config_inference', inferenceConfigSchema, serveReads),
};
type Name = keyof typeof commands;

const two = 'experiment=two_phase';

const refused: [command: Name, overrides: string[], message: string][] = [
  [
    'train',
    [two, 'training.learning_rate=1e-3'],
    'every phase sets its own; set training.phases.frozen.learning_rate or training.phases.finetune.learning_rate',
  ],
  [
    'train',
    [two, 'training.num_epochs=1'],
    'set training.phases.frozen.num_epochs or training.phases.finetune.num_epochs',
  ],
  ['train', [two, 'model.freeze_text=true'], 'set training.phases.frozen.freeze_text'],
  [
    'train',
    ['training.phases={a: {augmentation: true}}', 'data.augmentation.enabled=false'],
    'training.phases.a.augmentation',
  ],
  ['train', ['training.use_scheduler=false', 'training.scheduler=cosine'], 'it needs training.use_scheduler=true'],
  ['train', ['training.restart_factor=3'], 'it needs training.scheduler=cosine_restarts'],
  ['train', ['training.min_lr=0'], 'it needs training.scheduler=cosine'],
  ['train', [two, 'training.phases.frozen.scheduler=plateau', 'training.restart_epochs=2'], 'cosine_restarts'],
  ['train', ['training.plateau_patience=3'], 'it needs training.scheduler=plateau'],
  ['train', ['training.loss.focal_gamma=1'], 'it needs training.loss.name=focal'],
  ['train', ['training.gradual_unfreezing.epochs_per_block=2'], 'it needs training.gradual_unfreezing.enabled=true'],
  [
    'train',
    ['training.early_stopping.enabled=false', 'training.early_stopping.patience=2'],
    'it needs training.early_stopping.enabled=true',
  ],
  [
    'train',
    [two, 'training.phases.frozen.early_stopping.enabled=false', 'training.phases.frozen.early_stopping.patience=2'],
    'nothing reads training.phases.frozen.early_stopping.patience',
  ],
  [
    'train',
    ['data.augmentation.enabled=false', 'data.augmentation.color_jitter.contrast=0'],
    'it needs data.augmentation.enabled=true',
  ],
  ['train', ['data.train_split=0.7'], 'it needs data.csv_file'],
  ['train', ['data.csv_file=all.csv', 'data.val_file=val.csv'], 'it needs data.csv_file=null'],
  ['train', ['data.pixel_cache.enabled=false', 'data.pixel_cache.dir=x'], 'it needs data.pixel_cache.enabled=true'],
  ['train', ['model.best_model_name=best_model_1.5.pth'], 'it needs model.load_model=true'],
  ['train', ['model=tiny', 'model.text.pretrained_model=minilm'], 'it needs model.text.weights=${.pretrained_model}'],
  [
    'train',
    ['model.fusion=cross_attention', 'model.text.pooling=mean'],
    'it needs a model.fusion that looks at whole texts',
  ],
  ['train', ['calibration.threshold=f1'], 'it needs calibration.enabled=true'],
  ['train', ['calibration.enabled=true', 'calibration.false_positive_cost=3'], 'it needs calibration.threshold=cost'],
  ['calibrate', ['calibration.max_false_positive_rate=0.1'], 'it needs calibration.threshold=fpr'],
  ['train', ['training.feature_cache.views=4'], 'a phase with freeze_vision=true'],
  ['train', ['mlflow.registered_model_alias=champion'], 'it needs mlflow.registered_model_name'],
  ['train', ['mlflow.tracking_uri=http://a', 'training.tracking_uri=http://b'], 'mlflow.tracking_uri'],
  ['export', ['export.calibration_rows=8'], 'it needs export.precision=int8'],
  ['export', ['export.max_probability_difference=0.02'], 'it needs export.precision=fp16 or int8'],
  ['evaluate', ['evaluation.aggregation=max'], 'it needs evaluation.post_column'],
  ['infer', ['inference.single.text=Hello'], 'it needs inference.mode=single'],
  ['infer', ['inference.mode=single', 'inference.batch.csv_file=a.csv'], 'it needs inference.mode=batch'],
  ['infer', ['serve.port=1'], 'it needs pnpm serve'],
  ['serve', ['inference.output.threshold=0.7'], 'serve reads only serve.*'],
];

const taken: [command: Name, overrides: string[]][] = [
  ['train', [two, '~training.phases.finetune.learning_rate', 'training.learning_rate=1e-3']],
  ['train', [two, 'training.phases.finetune.learning_rate=1e-3']],
  ['train', [two, 'training.batch_size=8', 'training.weight_decay=0']],
  ['train', [two, 'training.phases.frozen.scheduler=plateau', 'training.plateau_factor=0.5']],
  ['train', ['training.early_stopping.enabled=false', 'training.early_stopping.metric=val/loss']],
  ['train', ['debug=overfit_batch', 'training.batch_size=4']],
  ['train', ['training.phases={a: {batch_size: 2}}', 'training.batch_size=4', 'data.n_rows=${training.batch_size}']],
  ['train', ['training.tracking_uri=http://b', 'training.experiment_name=x']],
  ['train', ['evaluation.split=val', 'export.output_dir=x', 'calibration.checkpoint=y', 'calibration.holdout=0.5']],
  ['train', ['model.load_model=true', 'model.best_model_name=best_model_1.5.pth', 'training.version=1.9']],
  ['train', ['model.text.pretrained_model=minilm', 'model.vision.weights=null']],
  ['train', ['model=tiny', 'model.text.pretrained_model=minilm', 'model.text.tokenizer=null']],
  ...(['evaluate', 'calibrate', 'export'] as const).map((name): [Name, string[]] => [
    name,
    [
      two,
      'model=tiny',
      'training.learning_rate=1e-3',
      'training.batch_size=8',
      'training.loss.focal_gamma=1',
      'data.root_dir=x',
      'training.num_epochs=3',
    ],
  ]),
  ['infer', ['inference.freeze_vision=true', 'inference.dropout_rate=0.1', 'inference.batch.n_rows=3']],
  ['infer', ['inference.mode=single', 'inference.explain=true', 'inference.single.text=x']],
  ['serve', ['serve.artifact=${inference.checkpoint.path}', 'inference.checkpoint.path=here']],
];

describe('an override that nothing reads', () => {
  test.each(refused)('is refused by %s: %j → %s', (command, overrides, message) => {
    expect(() => commands[command](overrides)).toThrow(
      expect.objectContaining({ code: 'CROSSCHECK_CONFIG_UNREAD', message: expect.stringContaining(message) }),
    );
  });

  test.each(taken)('is none for %s: %j', (command, overrides) => {
    expect(() => commands[command](overrides)).not.toThrow();
  });

  test('is only what was typed: every experiment and debug config composes', () => {
    for (const choice of [
      'experiment=demo',
      'experiment=two_phase',
      'debug=limit',
      'debug=one_step',
      'debug=overfit_batch',
    ])
      expect(() => commands.train([choice])).not.toThrow();
  });
});

test('the rules name keys that exist', () => {
  const keysOf = (schema: z.ZodType) => schemaKeys(schema).map(({ path }) => path);
  const known = new Set([...keysOf(trainConfigSchema), ...keysOf(inferenceConfigSchema)]);
  const named = [trainReads, evaluateReads, calibrateReads, exportReads, inferReads, serveReads].flatMap(({ rules }) =>
    rules.flatMap(([keys]) => keys),
  );
  const isKnown = (key: string) => known.has(key) || (key.endsWith('.') && [...known].some((at) => at.startsWith(key)));
  expect([...named, ...phaseKeys.keys()].filter((key) => !isKnown(key))).toEqual([]);
  const ofPhase = [...phaseKeys.values(), ...phaseRules.flatMap(([keys]) => keys)];
  const at = (key: string) => schemaAt(trainConfigSchema, ['training', 'phases', 'any', ...key.split('.')]);
  expect(ofPhase.filter((key) => at(key) === undefined)).toEqual([]);
});
