import type { ConfigNode, ScalarNode } from '../tree/node.ts';

export type OverrideKind = 'change' | 'add' | 'force-add' | 'delete';

/** `a,b` (simple) or `choice(a,b)`. */
export interface ChoiceSweep {
  kind: 'choice';
  simple: boolean;
  list: ConfigNode[];
  shuffle: boolean;
  tags: string[];
}

/** `range(start,stop,step)`. */
export interface RangeSweep {
  kind: 'range';
  start: ScalarNode;
  stop: ScalarNode;
  step: ScalarNode;
  shuffle: boolean;
  tags: string[];
}

/** `interval(start,end)`: continuous, for sweepers that sample. */
export interface IntervalSweep {
  kind: 'interval';
  start: ScalarNode;
  end: ScalarNode;
  tags: string[];
}

/** `glob(include,exclude=…)` over the options of a group. */
export interface GlobSweep {
  kind: 'glob';
  include: string[];
  exclude: string[];
}

export type Sweep = ChoiceSweep | RangeSweep | IntervalSweep | GlobSweep;

/** One parsed `key=value` argument. */
export interface Override {
  input: string;
  kind: OverrideKind;
  /** A dotted path, or a group with slashes. */
  key: string;
  /** What stands after `@`; null when there is no `@`. */
  package: string | null;
  /** Null only for `~key`. */
  value: ConfigNode | Sweep | null;
}

/** An override with one value, as composition takes it. */
export type ElementOverride = Override & { value: ConfigNode | null };

const sweepKinds = new Set(['choice', 'range', 'interval', 'glob']);

export function isSweep(value: ConfigNode | Sweep | null): value is Sweep {
  return value !== null && sweepKinds.has(value.kind);
}

export function isSweepOverride(override: Override): override is Override & { value: Sweep } {
  return isSweep(override.value);
}

/** True for overrides of the `hydra` block and its groups. */
export function isHydraOverride(override: Override): boolean {
  return /^hydra[./]/.test(override.key);
}

const prefixes: Record<OverrideKind, string> = { change: '', add: '+', 'force-add': '++', delete: '~' };

/** The part before `=`, with its prefix: `+db@backup`. */
export function keyText(override: Override): string {
  return `${prefixes[override.kind]}${groupKey(override)}`;
}

/** The key with its package and without prefix. */
export function groupKey(override: Override): string {
  return override.package === null ? override.key : `${override.key}@${override.package}`;
}
