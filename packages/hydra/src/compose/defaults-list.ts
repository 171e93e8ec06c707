import { fail } from '../errors.ts';
import { resolveText } from '../interpolation/interpolator.ts';
import { nearest } from '../nearest.ts';
import type { Override } from '../overrides/override.ts';
import { fromPlain } from '../tree/node.ts';
import type { ConfigItem, DefaultItem, GroupItem } from './defaults-item.ts';
import { GroupOverrides } from './group-overrides.ts';
import {
  absoluteHeader,
  configPath,
  finalPackage,
  groupPath,
  optionName,
  overrideKey,
  type Placed,
  place,
} from './placed-item.ts';
import type { LoadedConfig, SearchPath } from './search-path.ts';

/** One config of the final list: which file, and under which package its keys go. */
export interface ResultDefault {
  path: string;
  package: string;
  parent: string | null;
  isPrimary: boolean;
  overrideKey: string | null;
}

export interface DefaultsRequest {
  configName: string;
  overrides: Override[];
  searchPath: SearchPath;
  /** Leave `group: ???` open instead of refusing it (for the master config of a sweep). */
  skipMissing?: boolean;
}

export interface DefaultsList {
  list: ResultDefault[];
  groups: GroupOverrides;
  warnings: string[];
}

interface Walk {
  searchPath: SearchPath;
  groups: GroupOverrides;
  skipMissing: boolean;
  warnings: string[];
}

/** Flattens the defaults lists of a primary config into the order in which files are merged, as Hydra 1.3 does. */
export function createDefaultsList(request: DefaultsRequest): DefaultsList {
  const { searchPath, configName } = request;
  const groups = new GroupOverrides(request.overrides, searchPath);
  const walk: Walk = { searchPath, groups, skipMissing: request.skipMissing ?? false, warnings: [] };
  const primary = { ...place(configItem(configName)), primary: true };
  if (!searchPath.has(configName)) missingPrimary(configName, searchPath);
  // The primary config first: its `override hydra/…` entries decide about the hydra block.
  const own = expand(primary, walk, { parents: [], isInterpolated: false });
  const hydra = expand(place(configItem('hydra/config')), walk, { parents: [], isInterpolated: false });
  const list = [...hydra, ...own];
  refuseDuplicates(list);
  groups.checkUsed();
  return { list, groups, warnings: walk.warnings };
}

function configItem(path: string): ConfigItem {
  return { kind: 'config', path, package: null, optional: false };
}

interface Position {
  parents: { path: string; package: string }[];
  isInterpolated: boolean;
}

/** The files that one entry stands for, in merge order. */
function expand(placed: Placed, walk: Walk, position: Position): ResultDefault[] {
  const { groups, searchPath } = walk;
  if (optionName(placed) !== null && optionName(placed) !== '???') {
    placed.packageHeader = absoluteHeader(searchPath.load(configPath(placed))?.packageHeader ?? null);
  }
  if (groups.takesOut(placed)) return [];
  groups.remember(placed);
  if (optionName(placed) === null) return [];
  if (optionName(placed) === '???') return walk.skipMissing ? [] : mustChoose(placed, searchPath);
  const loaded = searchPath.load(configPath(placed));
  if (loaded === null) return placed.item.optional ? [] : notFound(placed, walk, position);
  const here = { path: configPath(placed), package: finalPackage(placed) };
  if (position.parents.some((parent) => parent.path === here.path && parent.package === here.package)) {
    fail(
      'DEFAULTS',
      `${loaded.file} includes itself through ${position.parents.map((parent) => parent.path).join(' → ')}`,
    );
  }
  return expandFile(placed, loaded, walk, { ...position, parents: [...position.parents, here] });
}

/** The result for a file itself. */
function self(placed: Placed, position: Position, isLeaf = false): ResultDefault {
  return {
    path: configPath(placed),
    package: finalPackage(placed),
    parent: position.parents.at(-2)?.path ?? null,
    isPrimary: placed.primary,
    overrideKey: isLeaf && placed.item.kind === 'group' ? overrideKey(placed) : null,
  };
}

type Child = { kind: 'self' } | Placed;

function expandFile(placed: Placed, loaded: LoadedConfig, walk: Walk, position: Position): ResultDefault[] {
  const items = withSelf(loaded, placed, walk);
  if (items.length === 0) return [self(placed, position, true)];
  const children = items.map(
    (item): Child => (item.kind === 'self' ? item : place(item, groupPath(placed), finalPackage(placed))),
  );
  registerOverrides(children, loaded, walk, position);
  const kept = children.filter((child) => !isOverrideEntry(child));
  const expanded = new Map<Child, ResultDefault[]>();
  // Last entry first, so that the `override` entries inside it reach the entries before it.
  const backwards = kept.toReversed();
  for (const child of backwards) {
    if ('kind' in child) expanded.set(child, [self(placed, position)]);
    else {
      walk.groups.apply(child);
      if (!isInterpolation(child)) expanded.set(child, expandEntry(child, loaded, walk, position));
    }
  }
  // Interpolated entries last, when the other choices are known.
  for (const child of backwards) {
    if (!('kind' in child) && isInterpolation(child)) {
      resolveEntry(child, walk);
      expanded.set(child, expand(child, walk, { ...position, isInterpolated: true }));
    }
  }
  return kept.flatMap((child) => expanded.get(child) ?? []);
}

function withSelf(loaded: LoadedConfig, placed: Placed, walk: Walk): DefaultItem[] {
  const own = loaded.defaults ?? [];
  const appended = placed.primary ? walk.groups.appended : [];
  if (own.length + appended.length === 0) return [];
  const others = own.filter((item) => !(item.kind === 'group' && item.override));
  const lacksSelf = !own.some((item) => item.kind === 'self') && (others.length > 0 || own.length === 0);
  if (!lacksSelf)
    return [...own, ...(own.some((item) => item.kind === 'self') ? [] : [{ kind: 'self' } as const]), ...appended];
  if (placed.primary && others.length > 0 && loaded.root.entries.size > 0) {
    walk.warnings.push(
      `${loaded.file}: the defaults list has no _self_; the file's own keys win over it, as with "- _self_" at its end`,
    );
  }
  return [...own, { kind: 'self' }, ...appended];
}

function isOverrideEntry(child: Child): boolean {
  return !('kind' in child) && child.item.kind === 'group' && child.item.override;
}

function registerOverrides(children: Child[], loaded: LoadedConfig, walk: Walk, position: Position): void {
  let seen: Placed | undefined;
  for (const child of children) {
    if ('kind' in child) continue;
    if (isOverrideEntry(child)) {
      if (position.isInterpolated) {
        fail(
          'DEFAULTS',
          `${loaded.file}: override ${overrideKey(child)} cannot stand in a config that an interpolated entry chooses`,
        );
      }
      seen = child;
      walk.groups.addEntry(child, loaded.file);
    } else if (seen !== undefined && !(child.item.kind === 'group' && child.item.isAppended)) {
      fail(
        'DEFAULTS',
        `${loaded.file}: override ${overrideKey(seen)} stands before ${overrideKey(child)}; overrides go to the end of the defaults list`,
      );
    }
  }
}

function isInterpolation({ item }: Placed): boolean {
  const text = item.kind === 'config' ? item.path : item.value;
  return typeof text === 'string' && text.includes('${');
}

/** One entry, or several for `group: [a, b]`. */
function expandEntry(child: Placed, loaded: LoadedConfig, walk: Walk, position: Position): ResultDefault[] {
  const { item } = child;
  if (item.kind !== 'group' || !Array.isArray(item.value)) return expand(child, walk, position);
  const options = item.value.map((name) => {
    if (name.includes('${')) fail('DEFAULTS', `${loaded.file}: ${name} cannot stand in a list of options`);
    return place(optionItem(item, name), child.parentDir, child.parentPackage);
  });
  const results = options.toReversed().map((option) => expand(option, walk, position));
  return results.toReversed().flat();
}

function optionItem(item: GroupItem, name: string): ConfigItem {
  return { kind: 'config', path: `${item.group}/${name}`, package: item.package, optional: item.optional };
}

function resolveEntry({ item }: Placed, walk: Walk): void {
  const choices = fromPlain(Object.fromEntries(walk.groups.choices));
  const text = item.kind === 'config' ? item.path : (item.value as string);
  const resolved = resolveText(text, choices);
  if (resolved === undefined) {
    const known = [...walk.groups.choices.keys()].join(', ');
    fail('DEFAULTS', `cannot resolve ${text} in the defaults list; known choices: ${known}`);
  }
  if (item.kind === 'config') item.path = resolved;
  else item.value = resolved;
}

function refuseDuplicates(list: ResultDefault[]): void {
  const seen = new Map<string, ResultDefault>();
  for (const result of list) {
    const { overrideKey: key } = result;
    if (key === null) continue;
    const earlier = seen.get(key);
    if (earlier !== undefined) {
      fail('DEFAULTS', `${key} stands twice in the defaults list, in ${earlier.parent} and ${result.parent}`);
    }
    seen.set(key, result);
  }
}

function optionLines(group: string, searchPath: SearchPath): string {
  return searchPath
    .options(group)
    .map((option) => `  ${option}`)
    .join('\n');
}

function mustChoose(placed: Placed, searchPath: SearchPath): never {
  const key = overrideKey(placed);
  return fail(
    'MISSING',
    `you must choose ${key}, as in ${key}=OPTION; options:\n${optionLines(groupPath(placed), searchPath)}`,
  );
}

function notFound(placed: Placed, walk: Walk, position: Position): never {
  const { searchPath } = walk;
  const group = groupPath(placed);
  const parent = position.parents.at(-1)?.path;
  const near = nearest(optionName(placed) as string, searchPath.options(group));
  const hint = near === undefined ? '' : `; did you mean ${near}?`;
  const options = optionLines(group, searchPath);
  const list = options === '' ? '' : `\noptions of ${group === '' ? 'the top folder' : group}:\n${options}`;
  return fail(
    'UNKNOWN_OPTION',
    `${parent === undefined ? '' : `in ${parent}: `}no config ${configPath(placed)}${hint}${list}\nsearch path:\n${searchPath.describe()}`,
  );
}

function missingPrimary(name: string, searchPath: SearchPath): never {
  const near = nearest(name, searchPath.options(''));
  const hint = near === undefined ? '' : `; did you mean ${near}?`;
  return fail('NOT_FOUND', `no config named ${name}${hint}\nsearch path:\n${searchPath.describe()}`);
}
