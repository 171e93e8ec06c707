import { collect, fail, type HydraProblem } from '../errors.ts';
import { Interpolator } from '../interpolation/interpolator.ts';
import { nearest, nearestKey } from '../nearest.ts';
import { underPackage, updateAt } from '../tree/merge.ts';
import {
  type ConfigNode,
  cloneNode,
  isMissing,
  isNull,
  leaves,
  type MapNode,
  nodeAt,
  splitPath,
  toPlain,
} from '../tree/node.ts';
import { formatElement } from './format.ts';
import type { ElementOverride } from './override.ts';

/** What a schema says about keys that no file has. */
export interface KeyGuide {
  /**
   * The schema has this key, so an override may set it although no file does. The first `present` keys of the path are there; the
   * others may not be names that people choose.
   */
  isKnown(path: readonly string[], present: number): boolean;
  /** Keys that are not in the schema may be added under this path. */
  isOpen(path: readonly string[]): boolean;
  keys(): string[];
  /** Brings forms that earlier versions took to today's, in a file's tree or an override's. */
  upgrade(root: MapNode): void;
}

export interface ApplyOptions {
  guide?: KeyGuide | undefined;
  groups: () => string[];
  problems: HydraProblem[];
}

/** Applies value overrides in their order; everything that is wrong is collected. */
export function applyOverrides(root: MapNode, overrides: ElementOverride[], options: ApplyOptions): void {
  for (const override of overrides) collect(options.problems, () => applyOne(root, override, options));
}

function applyOne(root: MapNode, override: ElementOverride, options: ApplyOptions): void {
  if (override.package !== null) notAGroup(override, options);
  const path = splitPath(override.key.replaceAll('/', '.'));
  if (override.kind === 'delete') return deleteAt(root, path, override);
  const value = upgraded(path, override, options.guide);
  const existing = nodeAt(root, path);
  if (override.kind === 'add' && isSet(existing) && value.kind === 'scalar') alreadyThere(existing, override);
  const force = override.kind !== 'change';
  const isKnown =
    options.guide === undefined
      ? undefined
      : (at: readonly string[], present: number) => options.guide?.isKnown(at, present) === true;
  const unknown = updateAt(root, path, value, isKnown === undefined ? { force } : { force, isKnown });
  if (unknown !== undefined) unknownKey(root, unknown, override, options);
}

function upgraded(path: readonly string[], { input, value }: ElementOverride, guide: KeyGuide | undefined): ConfigNode {
  const own = cloneNode(value as ConfigNode, `override ${input}`);
  const parents = underPackage(own, path);
  guide?.upgrade(parents);
  return nodeAt(parents, path) as ConfigNode;
}

function isSet(node: ConfigNode | undefined): node is ConfigNode {
  return node !== undefined && !isNull(node) && !isMissing(node);
}

function notAGroup(override: ElementOverride, { groups }: ApplyOptions): never {
  const near = nearest(override.key, groups());
  return fail(
    'UNKNOWN_GROUP',
    `${override.input} names the group ${override.key}, which does not exist${near === undefined ? '' : `; did you mean ${near}?`}; groups: ${groups().join(', ')}`,
  );
}

function alreadyThere(existing: ConfigNode, { input, key }: ElementOverride): never {
  return fail(
    'KEY_EXISTS',
    `cannot add ${key}: it is there already (${existing.origin}); to change it drop the +: ${input.slice(1)}; to add or change it use +${input}`,
  );
}

function deleteAt(root: MapNode, path: string[], override: ElementOverride): void {
  const parent = nodeAt(root, path.slice(0, -1));
  const key = path.at(-1) as string;
  const existing = nodeAt(root, path);
  if (existing === undefined || parent === undefined) {
    const near = nearestKey(override.key, allKeys(root, override.key));
    fail(
      'UNKNOWN_KEY',
      `cannot delete ${override.key}: it does not exist${near === undefined ? '' : `; did you mean ${near}?`}`,
    );
  }
  if (override.value !== null && !sameValue(root, path, override.value)) {
    fail(
      'BAD_OVERRIDE',
      `cannot delete ${override.key}: its value is ${formatElement(existing)} and not ${formatElement(override.value)} (${existing.origin})`,
    );
  }
  if (parent.kind === 'map') parent.entries.delete(key);
  else if (parent.kind === 'list') parent.items.splice(parent.items.indexOf(existing), 1);
}

function sameValue(root: MapNode, path: string[], value: ConfigNode): boolean {
  const interpolator = new Interpolator(root);
  const found = interpolator.find(path);
  if (found === undefined) return false;
  return JSON.stringify(toPlain(interpolator.settle(found))) === JSON.stringify(toPlain(value));
}

/** Every key that a slip could have meant; the hydra block only for keys of the hydra block. */
function allKeys(root: MapNode, key: string, guide?: KeyGuide): string[] {
  const known = new Set(guide?.keys() ?? []);
  for (const [path] of leaves(root))
    for (let length = 1; length <= path.length; length++) known.add(path.slice(0, length).join('.'));
  return [...known].filter(
    (candidate) => candidate !== key && candidate.startsWith('hydra') === key.startsWith('hydra'),
  );
}

function unknownKey(root: MapNode, path: string[], override: ElementOverride, { guide, groups }: ApplyOptions): never {
  const key = path.join('.');
  const byPosition = keyAtPosition(root, path, override);
  const near = byPosition ?? nearestKey(key, allKeys(root, key, guide));
  const group = nearest(override.key, groups());
  const hints = [near === undefined ? '' : `; did you mean ${near}?`];
  if (near === undefined && group !== undefined) hints.push(`; did you mean the group ${group}?`);
  const isOpen = guide === undefined || guide.isOpen(path.slice(0, -1)) || key.startsWith('hydra.');
  if (!isOpen || nodeAt(root, path.slice(0, -1))?.kind === 'map') hints.push(`; ${siblings(root, path)}`);
  if (isOpen && byPosition === undefined) hints.push(`; to add it use +${override.input}`);
  return fail(
    'UNKNOWN_KEY',
    `cannot override ${key}: there is no such key (override ${override.input})${hints.join('')}`,
  );
}

/** The key that was meant where a mapping was taken for a list: `phases.1.rate` → `phases.finetune.rate`. */
function keyAtPosition(root: MapNode, path: string[], override: ElementOverride): string | undefined {
  const parent = nodeAt(root, path.slice(0, -1));
  const position = path.at(-1) as string;
  if (parent?.kind !== 'map' || !/^-?\d+$/.test(position)) return undefined;
  const name = [...parent.entries.keys()].at(Number(position));
  const rest = splitPath(override.key.replaceAll('/', '.')).slice(path.length);
  return name === undefined ? undefined : [...path.slice(0, -1), name, ...rest].join('.');
}

function siblings(root: MapNode, path: string[]): string {
  const parentPath = path.slice(0, -1);
  const parent = nodeAt(root, parentPath);
  const where = parentPath.length === 0 ? 'the config' : parentPath.join('.');
  if (parent?.kind !== 'map' || parent.entries.size === 0) return `${where} has no keys`;
  return `${where} has: ${[...parent.entries.keys()].join(', ')}`;
}
