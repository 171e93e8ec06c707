import type { TrainConfig } from '@crosscheck/config';

type Group = readonly [keys: readonly string[], why: string];

/** What says only where things are and how work is done: the workers of a run may differ in it, too. */
const places: readonly Group[] = [
  [
    [
      'data.root_dir',
      'data.csv_file',
      'data.train_file',
      'data.val_file',
      'data.test_file',
      'data.images_dir',
      'data.images_dir_train',
      'data.images_dir_val',
      'data.images_dir_test',
      'data.allow_outside_root',
    ],
    'posts may have moved; their digests are compared',
  ],
  [['training.checkpoint_dir'], 'checkpoints may have moved'],
  [
    ['data.pixel_cache.', 'training.feature_cache.dir', 'training.feature_cache.max_bytes', 'training.num_workers'],
    'where and how work is done, not what comes of it',
  ],
  [
    ['mlflow.', 'training.tracking_uri', 'training.experiment_name', 'training.log_every_steps', 'training.report'],
    'how the run is watched',
  ],
  [
    [
      'training.distributed.processes',
      'training.distributed.hosts',
      'training.distributed.start_seconds',
      'training.distributed.timeout_seconds',
    ],
    'how many workers share the work, and where',
  ],
];

/** What may differ when a run goes on, and why; a key that ends with a dot stands for all below it, `*` for one name. */
export const mayChange: readonly Group[] = [
  [['training.resume'], 'it names the run'],
  ...places,
  [['training.save_every_steps', 'training.save_frequency'], 'what is kept besides the best checkpoint'],
  [
    [
      'training.num_epochs',
      'training.num_steps',
      'training.phases.*.num_epochs',
      'training.phases.*.num_steps',
      'training.early_stopping.enabled',
      'training.early_stopping.patience',
      'training.phases.*.early_stopping.enabled',
      'training.phases.*.early_stopping.patience',
    ],
    'when the run ends',
  ],
  [
    [
      'calibration.enabled',
      'calibration.checkpoint',
      'calibration.split',
      'calibration.on_used_rows',
      'calibration.temperature',
      'calibration.threshold',
      'calibration.false_positive_cost',
      'calibration.false_negative_cost',
      'calibration.max_false_positive_rate',
      'calibration.target_accuracy',
      'calibration.target_coverage',
      'calibration.abstain_band',
      'evaluation.',
      'export.',
    ],
    'what follows training',
  ],
];

const patternsOf = (groups: readonly Group[]) =>
  groups.flatMap(([keys]) =>
    keys.map((key) => {
      const escaped = key.replaceAll('.', '\\.').replace('*', '[^.]+');
      return new RegExp(`^${escaped}${key.endsWith('.') ? '' : '$'}`);
    }),
  );

const [free, ofPlaces] = [patternsOf(mayChange), patternsOf(places)];

/** Whether a key may differ from the run that is continued. */
export const isFree = (key: string): boolean => free.some((pattern) => pattern.test(key));

/** Whether the workers of a run may differ in a key. */
export const isPlace = (key: string): boolean => ofPlaces.some((pattern) => pattern.test(key));

type Tree = Record<string, unknown>;
const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Dotted key → value, lists as one value. */
export function leavesOf(config: unknown, path: string[] = []): Map<string, unknown> {
  if (!isTree(config) || Object.keys(config).length === 0) return new Map([[path.join('.'), config]]);
  return new Map(Object.entries(config).flatMap(([key, value]) => [...leavesOf(value, [...path, key])]));
}

/** The config with one value in another place; false when there is no such place. */
export function setLeaf(config: TrainConfig, key: string, value: unknown): boolean {
  const path = key.split('.');
  const parent = path.slice(0, -1).reduce<unknown>((at, part) => (isTree(at) ? at[part] : undefined), config);
  if (!isTree(parent)) return false;
  parent[path.at(-1) as string] = value;
  return true;
}
