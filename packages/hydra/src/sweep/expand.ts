import { fail } from '../errors.ts';
import { formatElement } from '../overrides/format.ts';
import { groupKey, isHydraOverride, isSweepOverride, keyText, type Override } from '../overrides/override.ts';
import { parseOverride } from '../overrides/parser.ts';
import { type Plain } from '../tree/node.ts';
import { sweepValues } from './values.ts';

/** Lists what a glob chooses from: the options of a group. */
export type OptionsOf = (group: string) => string[];

/**
 * The jobs of a sweep as override lists: every combination, the last override varying fastest. `params` are the sweeps of
 * `hydra.sweeper.params`; typed overrides of the same key replace them.
 *
 * @throws SWEEP
 */
export function expandSweep(overrides: Override[], params: Plain | undefined, optionsOf: OptionsOf): string[][] {
  const choices = new Map<string, string[]>();
  for (const override of [...paramOverrides(params), ...overrides]) {
    if (!isHydraOverride(override)) choices.set(groupKey(override), choicesOf(override, optionsOf));
  }
  return [...choices.values()].reduce<string[][]>(
    (jobs, values) => jobs.flatMap((job) => values.map((value) => [...job, value])),
    [[]],
  );
}

/** The sweeps of `hydra.sweeper.params`. */
export function paramOverrides(params: Plain | undefined): Override[] {
  if (params === undefined || params === null) return [];
  if (typeof params !== 'object' || Array.isArray(params)) {
    return fail('SWEEP', `hydra.sweeper.params must be a mapping from keys to sweeps, got ${JSON.stringify(params)}`);
  }
  return Object.entries(params).map(([key, value]) =>
    parseOverride(`${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`),
  );
}

function choicesOf(override: Override, optionsOf: OptionsOf): string[] {
  if (!isSweepOverride(override)) return [override.input];
  const values = sweepValues(override.value, () => optionsOf(override.key));
  return values.map((value) => `${keyText(override)}=${formatElement(value, 'written')}`);
}
