import { hasInterpolation, leaves, type MapNode } from '@crosscheck/hydra';
import { type Problem } from './problems.ts';
import { type PhaseView, phaseKeys, phaseRules, type Reads } from './schema/read-when.ts';

interface Asked<C> {
  config: C;
  /** Dotted key → who set it. */
  origins: Record<string, string>;
  /** With interpolations as written: what they refer to is read. */
  raw: MapNode;
  reads: Reads<C> | undefined;
}

/** Typed keys that nothing reads, each with what would be read. Only overrides count: files say the same for many commands. */
export function findUnread<C>({ config, origins, raw, reads }: Asked<C>): Map<string, Problem> {
  const unread = new Map<string, Problem>();
  if (reads === undefined) return unread;
  const phases = reads.phases?.(config) ?? [];
  const typed = Object.entries(origins).filter(([, origin]) => origin.startsWith('override '));
  for (const [key, origin] of typed) {
    const instead = isReferredTo(key, raw) ? null : (ofPhases(key, phases) ?? ofRules(key, config, reads));
    if (instead !== null) unread.set(key, problem(`nothing reads ${key} here (${origin}): ${instead}`));
  }
  return unread;
}

const problem = (message: string): Problem => ({ code: 'CROSSCHECK_CONFIG_UNREAD', message });

function isReferredTo(key: string, raw: MapNode): boolean {
  return [...leaves(raw)].some(([, node]) => hasInterpolation(node) && new RegExp(`\\$\\{${key}\\b`).test(node.value));
}

function ofRules<C>(key: string, config: C, { rules }: Reads<C>): string | null {
  const rule = rules.find(([keys, , isRead]) => keys.some((named) => covers(named, key)) && !isRead(config));
  return rule === undefined ? null : needsText(rule[1]);
}

const covers = (named: string, key: string) => (named.endsWith('.') ? key.startsWith(named) : key === named);
const needsText = (needs: string) => `it needs ${needs}; add that, or leave it out`;

/** What a key of a phase, or one that phases may set for themselves, lacks; null when it is read, or no such key. */
function ofPhases(key: string, phases: PhaseView[]): string | null {
  const [, name, ownKey] = /^training\.phases\.([^.]+)\.(.+)$/.exec(key) ?? [];
  if (ownKey !== undefined)
    return lacking(
      ownKey,
      phases.filter((phase) => phase.name === name),
    );
  const stands = phaseKeys.get(key);
  if (stands === undefined || phases.length === 0) return null;
  const takers = phases.filter(({ own }) => valueAt(own, stands) === undefined);
  if (takers.length > 0) return lacking(key.replace(/^training\./, ''), takers);
  const names = phases.map((phase) => `training.phases.${phase.name}.${stands}`);
  return `every phase sets its own; set ${names.join(' or ')}`;
}

function lacking(key: string, phases: PhaseView[]): string | null {
  const rule = phaseRules.find(([keys]) => keys.includes(key));
  return rule === undefined || phases.some((phase) => rule[2](phase)) ? null : needsText(rule[1]);
}

function valueAt(value: unknown, key: string): unknown {
  return key.split('.').reduce<unknown>((at, part) => (at as Record<string, unknown> | undefined)?.[part], value);
}
