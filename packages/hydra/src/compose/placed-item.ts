import type { ConfigItem, GroupItem } from './defaults-item.ts';

/** A defaults entry in its place: which folder and package its paths are relative to. */
export interface Placed {
  item: ConfigItem | GroupItem;
  parentDir: string;
  parentPackage: string;
  /** From the file itself; always absolute. */
  packageHeader: string | null;
  primary: boolean;
}

export function place(item: ConfigItem | GroupItem, parentDir = '', parentPackage = ''): Placed {
  const placed: Placed = { item: { ...item }, parentDir, parentPackage, packageHeader: null, primary: false };
  const { package: pkg } = placed.item;
  if (pkg === '_here_') placed.item.package = '';
  else if (pkg?.includes('_group_')) placed.item.package = `_global_.${pkg.replace('_group_', defaultPackage(placed))}`;
  return placed;
}

const withoutSlash = (path: string) => path.replace(/^\//, '');
const written = (item: ConfigItem | GroupItem) => (item.kind === 'group' ? item.group : item.path);

/** The folder part of a `config` path, or the group as written; without a leading slash. */
function relativeGroup(item: ConfigItem | GroupItem): string {
  const path = withoutSlash(written(item));
  if (item.kind === 'group') return path;
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}

/** The group that an entry chooses from, from the top of the search path. */
export function groupPath({ item, parentDir }: Placed): string {
  const group = relativeGroup(item);
  if (written(item).startsWith('/') || parentDir === '') return group;
  return group === '' ? parentDir : `${parentDir}/${group}`;
}

/** The chosen option; null when there is none. */
export function optionName({ item }: Placed): string | null {
  if (item.kind === 'config') return item.path.slice(item.path.lastIndexOf('/') + 1);
  return typeof item.value === 'string' ? item.value : null;
}

export function configPath(placed: Placed): string {
  const group = groupPath(placed);
  return group === '' ? (optionName(placed) as string) : `${group}/${optionName(placed)}`;
}

function defaultPackage(placed: Placed): string {
  return groupPath(placed).replaceAll('/', '.');
}

/** Where the config's keys go: `@package`, else the file's header, else the group's own path, below the parent's package. */
export function finalPackage(placed: Placed, withHeader = true): string {
  const chosen = placed.item.package ?? (withHeader ? placed.packageHeader : null);
  const relative = chosen ?? relativeGroup(placed.item).replaceAll('/', '.');
  const joined = [placed.parentPackage, relative].filter((part) => part !== '').join('.');
  const global = joined.lastIndexOf('_global_');
  return global < 0 ? joined : joined.slice(global + '_global_.'.length);
}

/** How the command line names an entry: `db`, or `db@backup` when its package is not the usual one. */
export function overrideKey(placed: Placed): string {
  const pkg = finalPackage(placed, false);
  const group = groupPath(placed);
  if (pkg === defaultPackage(placed)) return group;
  return `${group}@${pkg === '' ? '_global_' : pkg}`;
}

/** Headers count from the top, whatever stands above. */
export function absoluteHeader(header: string | null): string | null {
  if (header === null || header === '_global_' || header.startsWith('_global_.')) return header;
  return `_global_.${header}`;
}
