import { fail } from '../errors.ts';
import { type ConfigNode, childOf, cloneNode, emptyMap, hasInterpolation, isMissing, type MapNode } from './node.ts';

/** Finds the mapping that an interpolation stands for, so that keys can be merged over it. */
type MapLookup = (node: ConfigNode, path: readonly string[]) => ConfigNode | undefined;

export interface MergeOptions {
  lookup?: MapLookup;
  path?: readonly string[];
}

/** Merges `source` into `target` as OmegaConf does: mappings key by key, everything else replaced, `???` replaces nothing. */
export function mergeInto(target: MapNode, source: MapNode, options: MergeOptions = {}): void {
  for (const [key, value] of source.entries) {
    const existing = target.entries.get(key);
    if (existing === undefined) target.entries.set(key, cloneNode(value));
    else if (!isMissing(value))
      target.entries.set(key, merged(existing, value, { ...options, path: [...(options.path ?? []), key] }));
  }
}

const isMerged = (node: ConfigNode): node is MapNode => node.kind === 'map' && node.replaces !== true;

function merged(existing: ConfigNode, value: ConfigNode, options: MergeOptions): ConfigNode {
  if (value.kind !== 'list' && !isMerged(value)) return cloneNode(value);
  const base = hasInterpolation(existing) ? (options.lookup?.(existing, options.path ?? []) ?? existing) : existing;
  if (base.kind === 'scalar') return cloneNode(value);
  if (base.kind !== value.kind) refuseKinds(base, value, options.path ?? []);
  if (value.kind === 'list' || base.kind === 'list') return cloneNode(value);
  const target = base === existing ? base : cloneNode(base);
  mergeInto(target, value, options);
  return target;
}

function refuseKinds(existing: ConfigNode, value: ConfigNode, path: readonly string[]): never {
  const names = { map: 'a mapping', list: 'a list', scalar: 'a value' };
  return fail(
    'TYPE',
    `${path.join('.')} is ${names[existing.kind]} (${existing.origin}), got ${names[value.kind]} (${value.origin}); give ${names[existing.kind]}, or delete the key first with ~${path.join('.')}`,
  );
}

/** Puts a config's keys under its package: a, b → {a: {b: …}}. */
export function underPackage(root: ConfigNode, keys: readonly string[]): MapNode {
  return keys.reduceRight<ConfigNode>((inner, key) => {
    const outer = emptyMap(root.origin);
    outer.entries.set(key, inner);
    return outer;
  }, root) as MapNode;
}

export interface UpdateOptions {
  /** May add keys that are not there. */
  force: boolean;
  /** Keys that may appear although the files do not have them; the first `present` keys of the path are there. */
  isKnown?: (path: readonly string[], present: number) => boolean;
}

/** Sets one value at a path. Returns the path of the first key that does not exist and may not be added, or undefined. */
export function updateAt(
  root: MapNode,
  path: readonly string[],
  value: ConfigNode,
  options: UpdateOptions,
): string[] | undefined {
  let node: ConfigNode = root;
  for (const [index, key] of path.slice(0, -1).entries()) {
    const here = path.slice(0, index + 1);
    const child = childOf(node, key);
    if (child === undefined || child.kind === 'scalar') {
      const mayAdd = options.force || options.isKnown?.(path, child === undefined ? index : index + 1) === true;
      if (!mayAdd || node.kind !== 'map') return child === undefined ? [...here] : [...path];
      const inner = emptyMap(value.origin);
      node.entries.set(key, inner);
      node = inner;
    } else node = child;
  }
  return setChild(node, path, value, options);
}

function setChild(
  node: ConfigNode,
  path: readonly string[],
  value: ConfigNode,
  options: UpdateOptions,
): string[] | undefined {
  const key = path.at(-1) as string;
  const existing = childOf(node, key);
  if (existing === undefined) {
    const mayAdd = options.force || options.isKnown?.(path, path.length - 1) === true;
    if (!mayAdd || node.kind !== 'map') return [...path];
    node.entries.set(key, cloneNode(value));
    return undefined;
  }
  if (isMerged(value) && existing.kind === 'map') {
    const unknown = options.force ? undefined : unknownKey(existing, value, path, options);
    if (unknown === undefined) mergeInto(existing, value, { path });
    return unknown;
  }
  if (value.kind !== 'scalar' && existing.kind !== 'scalar' && value.kind !== existing.kind)
    refuseKinds(existing, value, path);
  if (node.kind === 'list') node.items[node.items.indexOf(existing)] = cloneNode(value);
  else if (node.kind === 'map') node.entries.set(key, cloneNode(value));
  return undefined;
}

/** The first key of `value` that `existing` lacks. */
function unknownKey(
  existing: MapNode,
  value: MapNode,
  path: readonly string[],
  options: UpdateOptions,
): string[] | undefined {
  for (const [key, child] of value.entries) {
    const here = [...path, key];
    const there = existing.entries.get(key);
    if (there === undefined && options.isKnown?.(here, path.length) !== true) return here;
    const deeper = there?.kind === 'map' && child.kind === 'map' ? unknownKey(there, child, here, options) : undefined;
    if (deeper !== undefined) return deeper;
  }
  return undefined;
}
