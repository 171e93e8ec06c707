import { collect, fail, type HydraProblem, throwProblems } from '../errors.ts';
import { Interpolator } from '../interpolation/interpolator.ts';
import { applyOverrides, type KeyGuide } from '../overrides/apply.ts';
import { isHydraOverride, isSweepOverride, keyText, type Override } from '../overrides/override.ts';
import { parseOverride } from '../overrides/parser.ts';
import { mergeInto, underPackage } from '../tree/merge.ts';
import { type ConfigNode, emptyMap, fromPlain, type MapNode, nodeAt, stringNode, toPlain } from '../tree/node.ts';
import { createDefaultsList, type DefaultsList, type ResultDefault } from './defaults-list.ts';
import { type ConfigSource, SearchPath } from './search-path.ts';

/** The version of Hydra whose behaviour this package follows. */
const hydraVersion = '1.3';

export interface ComposeRequest {
  configName: string;
  sources: ConfigSource[];
  overrides: string[];
  /** `run` refuses sweeps; `multirun` leaves them out of the composition. */
  mode?: 'run' | 'multirun';
  jobName?: string;
  /** Value of `hydra.job.num` and `.id`. */
  jobNumber?: number | null;
  guide?: KeyGuide;
  /** Changes what the files give before overrides are applied. */
  prepare?: (root: MapNode) => void;
  /** Takes out of `hydra.job.override_dirname`, which names a folder, what must not be seen there. */
  hide?: (text: string) => string;
}

export interface Composition {
  /** Without the `hydra` block; interpolations as written. */
  config: MapNode;
  hydra: MapNode;
  overrides: Override[];
  defaults: ResultDefault[];
  choices: Record<string, string | string[] | null>;
  searchPath: SearchPath;
  warnings: string[];
  /** What was wrong with value overrides; empty unless `keepProblems` was asked for. */
  problems: HydraProblem[];
}

/**
 * Composes a config as Hydra 1.3 does: defaults list, packages, then value overrides.
 *
 * @throws HydraError for anything that is wrong; several bad overrides come as one, `INVALID`
 */
export function compose(request: ComposeRequest): Composition {
  const composition = composeWithProblems(request);
  throwProblems(composition.problems);
  return composition;
}

/** Like `compose`, but problems of value overrides are returned, so that a caller can add its own to them. */
export function composeWithProblems(request: ComposeRequest): Composition {
  const problems: HydraProblem[] = [];
  const overrides = parseAll(request.overrides, problems);
  const mode = request.mode ?? 'run';
  for (const override of overrides) if (isSweepOverride(override)) collect(problems, () => checkSweep(override, mode));
  throwProblems(problems);
  const searchPath = new SearchPath(request.sources);
  extendSearchPath(searchPath, request.configName, overrides);
  const { configName } = request;
  const defaults = createDefaultsList({ configName, overrides, searchPath, skipMissing: mode === 'multirun' });
  const root = mergeDefaults(defaults, searchPath, request.guide);
  request.prepare?.(root);
  applyOverrides(root, defaults.groups.values, {
    guide: request.guide,
    groups: () => searchPath.allGroups(),
    problems,
  });
  const hydra = root.entries.get('hydra');
  root.entries.delete('hydra');
  const choices = Object.fromEntries(defaults.groups.choices);
  const composition: Composition = {
    config: root,
    hydra: hydra?.kind === 'map' ? hydra : emptyMap(),
    overrides,
    defaults: defaults.list,
    choices,
    searchPath,
    warnings: [...searchPath.warnings, ...defaults.warnings],
    problems,
  };
  describeRun(composition, request);
  return composition;
}

function parseAll(inputs: string[], problems: HydraProblem[]): Override[] {
  const overrides: Override[] = [];
  for (const input of inputs) collect(problems, () => overrides.push(parseOverride(input)));
  return overrides;
}

function checkSweep(override: Override, mode: 'run' | 'multirun'): void {
  const { input, key } = override;
  if (mode === 'multirun') {
    if (isHydraOverride(override)) fail('SWEEP', `${input}: the hydra block cannot be swept over`);
    return;
  }
  if (override.value?.kind !== 'choice' || !override.value.simple) {
    fail('SWEEP', `${input} is a sweep; add --multirun to run one job for each value`);
  }
  const values = input.slice(input.indexOf('=') + 1);
  fail(
    'SWEEP',
    `${input} can be meant in three ways: a list is ${key}=[${values}], text is ${key}='${values}' (with the quotes, so in a shell "${key}='${values}'"), a sweep needs --multirun`,
  );
}

/** `hydra.searchpath`, on the command line or in the primary config. */
function extendSearchPath(searchPath: SearchPath, configName: string, overrides: Override[]): void {
  const given = overrides.find((override) => override.key === 'hydra.searchpath');
  const primary = searchPath.load(configName)?.root;
  const node = given === undefined ? primary && nodeAt(primary, ['hydra', 'searchpath']) : (given.value as ConfigNode);
  if (node === undefined) return;
  const dirs = toPlain(node);
  if (!Array.isArray(dirs) || dirs.some((dir) => typeof dir !== 'string')) {
    fail('SEARCH_PATH', `hydra.searchpath must be a list of folders, got ${JSON.stringify(dirs)} (${node.origin})`);
  }
  searchPath.append(
    given === undefined ? 'hydra.searchpath in the primary config' : 'hydra.searchpath',
    dirs as string[],
  );
}

function mergeDefaults(defaults: DefaultsList, searchPath: SearchPath, guide: KeyGuide | undefined): MapNode {
  const root = emptyMap();
  const lookup = (node: ConfigNode, path: readonly string[]) => {
    const value = new Interpolator(root).value(node, path);
    return value.kind === 'map' ? value : undefined;
  };
  for (const entry of defaults.list) {
    const loaded = searchPath.load(entry.path);
    if (loaded === null) continue;
    const embedded = underPackage(loaded.root, entry.package === '' ? [] : entry.package.split('.'));
    guide?.upgrade(embedded);
    if (!entry.isPrimary && entry.path !== 'hydra/config' && nodeAt(embedded, ['hydra', 'searchpath']) !== undefined) {
      fail('SEARCH_PATH', `${loaded.file}: hydra.searchpath can only stand in the primary config`);
    }
    mergeInto(root, embedded, { lookup });
  }
  return root;
}

/** Fills what only the running program knows into the `hydra` block. */
function describeRun(composition: Composition, request: ComposeRequest): void {
  const { hydra, overrides, searchPath, choices } = composition;
  const set = (path: string, value: unknown) => setAt(hydra, path.split('.'), fromPlain(value, 'hydra'));
  const texts = (wanted: (override: Override) => boolean) => overrides.filter(wanted).map((override) => override.input);
  set('overrides.hydra', texts(isHydraOverride));
  set(
    'overrides.task',
    texts((override) => !isHydraOverride(override)),
  );
  set('runtime.choices', choices);
  set('runtime.version', hydraVersion);
  set('runtime.version_base', hydraVersion);
  set('runtime.cwd', process.cwd());
  set(
    'runtime.config_sources',
    searchPath.sources.map(({ provider, dir }) => ({
      path: dir,
      schema: dir === 'hydra:' ? 'built-in' : 'file',
      provider,
    })),
  );
  const name = nodeAt(hydra, ['job', 'name']);
  if (request.jobName !== undefined && (name?.kind !== 'scalar' || name.value === '???'))
    set('job.name', request.jobName);
  if (request.jobNumber !== undefined && request.jobNumber !== null) {
    set('job.num', request.jobNumber);
    set('job.id', String(request.jobNumber));
  }
  set('job.config_name', request.configName);
  set('job.override_dirname', overrideDirname(composition, request.hide));
}

function setAt(root: MapNode, path: string[], value: ConfigNode): void {
  const [key, ...rest] = path as [string, ...string[]];
  if (rest.length === 0) {
    root.entries.set(key, value);
    return;
  }
  const child = root.entries.get(key);
  const inner = child?.kind === 'map' ? child : emptyMap();
  root.entries.set(key, inner);
  setAt(inner, rest, value);
}

/** The sorted task overrides as one folder name, with `hydra.job.config.override_dirname` in mind. */
function overrideDirname({ hydra, overrides }: Composition, hide = (text: string) => text): string {
  const settings = nodeAt(hydra, ['job', 'config', 'override_dirname']) ?? stringNode('');
  const { kv_sep = '=', item_sep = ',', exclude_keys = [] } = toPlain(settings) as Record<string, never>;
  const excluded = new Set<string>(exclude_keys);
  const task = overrides.filter((override) => !isHydraOverride(override) && !excluded.has(override.key));
  const lines = task.map((override) => (override.value === null ? keyText(override) : override.input));
  return hide(lines.sort().join(item_sep)).replaceAll('=', kv_sep);
}
