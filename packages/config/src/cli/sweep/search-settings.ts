import {
  type ConfigNode,
  fromPlain,
  type HydraSettings,
  type MapNode,
  nearestName,
  nodeAt,
  type Plain,
} from '@crosscheck/hydra';
import { z } from 'zod';
import { fail, throwProblems } from '../../problems.ts';
import { validate } from '../../validate.ts';

const direction = z.enum(['minimize', 'maximize']);
const classOfOptuna = z.looseObject({ _target_: z.string() });

/** `hydra.sweeper` of `hydra/sweeper=optuna`; see packages/hydra's optuna-files.ts for the defaults. */
const sweeperSchema = z.strictObject({
  _target_: z.string().optional(),
  sampler: classOfOptuna,
  pruner: classOfOptuna,
  direction: z.union([direction, z.array(direction).min(1)]),
  storage: z.string().min(1).nullable(),
  study_name: z.string().min(1).nullable(),
  n_trials: z.int().min(1),
  n_jobs: z.int().min(-1).meta({ advice: 'as many as are named, or -1 for one for each core' }),
  max_failure_rate: z.number().min(0).max(1),
  params: z.record(z.string(), z.unknown()).nullable(),
  custom_search_space: z
    .null()
    .meta({ advice: 'functions of Python are not run here; write the space into hydra.sweeper.params' }),
  metric: z.union([z.string(), z.array(z.string()).min(1)]).nullable(),
});

export type SearchSettings = z.infer<typeof sweeperSchema>;

/** Keywords of samplers whose values are objects of Python. */
const pythonOnly = [
  'constraints_func',
  'independent_sampler',
  'source_trials',
  'mutation',
  'crossover',
  'gamma',
  'weights',
];

/** @throws CROSSCHECK_CONFIG_… with every problem of the sweeper's settings */
export function readSearchSettings({
  settings,
  master,
}: {
  settings: HydraSettings;
  master: { hydra: MapNode };
}): SearchSettings {
  const written = nodeAt(master.hydra, ['sweeper']);
  const sweeper = withOrigins(settings.value('sweeper') ?? null, written);
  const root = { kind: 'map', entries: new Map([['hydra', mapOf('sweeper', sweeper)]]), origin: '' } as const;
  const schema = z.object({ hydra: z.object({ sweeper: sweeperSchema }) });
  const { config, problems } = validate(root, schema);
  throwProblems(problems);
  const found = (config as z.infer<typeof schema>).hydra.sweeper;
  for (const key of pythonOnly)
    if ((found.sampler[key] ?? null) !== null)
      fail(
        'CROSSCHECK_CONFIG_VALUE',
        `hydra.sweeper.sampler.${key}: expected null, because it takes an object of Python`,
      );
  return found;
}

const mapOf = (key: string, node: ConfigNode): ConfigNode => ({
  kind: 'map',
  entries: new Map([[key, node]]),
  origin: '',
});

/** Resolved values, with the places where they were written. */
function withOrigins(value: Plain, written: ConfigNode | undefined): ConfigNode {
  const origin = written?.origin ?? '';
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return fromPlain(value, origin);
  const entries = Object.entries(value).map(
    ([key, child]) => [key, withOrigins(child, written && nodeAt(written, [key]))] as const,
  );
  return { kind: 'map', entries: new Map(entries), origin };
}

/** What a command says of the metrics that its jobs report. */
interface Searched {
  metrics?: readonly string[];
  objectives?: Partial<Record<'minimize' | 'maximize', string>>;
}

export interface Objectives {
  metrics: string[];
  directions: ('minimize' | 'maximize')[];
}

/** What is minimized or maximized: one metric for each direction. */
export function objectivesOf(
  { metric, direction: wanted, pruner }: SearchSettings,
  { metrics: known, objectives }: Searched,
): Objectives {
  const directions = Array.isArray(wanted) ? wanted : [wanted];
  const [first] = directions as [Objectives['directions'][number]];
  const own = directions.length === 1 ? objectives?.[first] : undefined;
  const metrics = metric === null ? (own === undefined ? [] : [own]) : [metric].flat();
  if (metrics.length !== directions.length)
    fail(
      'CROSSCHECK_CONFIG_VALUE',
      `hydra.sweeper.metric: expected one metric for each of the ${directions.length} directions, got ${metrics.join(', ') || 'none'}; write hydra.sweeper.metric=[val/accuracy,val/loss]`,
    );
  for (const name of metrics) requireMetric(name, known);
  if (metrics.length > 1 && !pruner._target_.endsWith('NopPruner'))
    fail(
      'CROSSCHECK_CONFIG_VALUE',
      'hydra/sweeper/pruner: trials with several objectives cannot be pruned; choose hydra/sweeper/pruner=none',
    );
  return { metrics, directions };
}

export function requireMetric(metric: string | null, known: readonly string[] | undefined): void {
  if (metric === null || known === undefined || known.includes(metric)) return;
  const near = nearestName(metric, known);
  fail(
    'CROSSCHECK_CONFIG_VALUE',
    `hydra.sweeper.metric: jobs report no ${metric}${near === undefined ? '' : `; did you mean ${near}?`}; they report ${known.join(', ')}`,
  );
}
