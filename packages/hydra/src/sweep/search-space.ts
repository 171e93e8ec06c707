import { fail } from '../errors.ts';
import { formatElement } from '../overrides/format.ts';
import {
  type ChoiceSweep,
  groupKey,
  type IntervalSweep,
  isHydraOverride,
  isSweepOverride,
  keyText,
  type Override,
  type RangeSweep,
} from '../overrides/override.ts';
import { type ConfigNode, type Plain, stringNode } from '../tree/node.ts';
import { pythonFloat, typedScalar } from '../tree/scalar.ts';
import { type OptionsOf, paramOverrides } from './expand.ts';
import { rangeEnds, sweepValues } from './values.ts';

/** Where a parameter's values come from, as Optuna has it; both ends are included. */
export type Distribution =
  | { kind: 'int'; low: number; high: number; step: number; log: boolean }
  | { kind: 'float'; low: number; high: number; step: number | null; log: boolean }
  | { kind: 'categorical'; choices: ConfigNode[] };

/** What a sampler draws, and what stands for every trial. */
export interface SearchSpace {
  /** Key as it is typed, with its prefix → its values. */
  params: Map<string, Distribution>;
  /** Overrides of every trial. */
  fixed: Override[];
}

/** A drawn value: a number, or the index of a choice. */
export type Drawn = number;

/**
 * The search space of an Optuna sweep: `hydra.sweeper.params` and the overrides that were typed, which stand before params of the same key.
 * A choice is categorical, a range steps, an interval is continuous (or whole, in `int()`), `tag(log, …)` takes logarithms.
 *
 * @throws HydraError SWEEP
 */
export function searchSpace(
  overrides: readonly Override[],
  params: Plain | undefined,
  optionsOf: OptionsOf,
): SearchSpace {
  const last = new Map([...paramOverrides(params), ...overrides].map((override) => [groupKey(override), override]));
  const space: SearchSpace = { params: new Map(), fixed: [] };
  for (const override of last.values()) {
    if (isHydraOverride(override)) continue;
    if (isSweepOverride(override)) space.params.set(keyText(override), distributionOf(override, optionsOf));
    else space.fixed.push(override);
  }
  return space;
}

function distributionOf(override: Override, optionsOf: OptionsOf): Distribution {
  const { value, key, input } = override as Override & { value: NonNullable<Override['value']> };
  if (value.kind === 'interval') return interval(value as IntervalSweep, input);
  if (value.kind === 'range' && !(value as RangeSweep).shuffle) return range(value as RangeSweep, input);
  // A sampler has no use for an order, and a study that goes on needs the same one.
  const listed = sweepValues({ ...(value as ChoiceSweep), shuffle: false }, () => optionsOf(key));
  return { kind: 'categorical', choices: listed };
}

/** Hydra's end of a range is not one of its values; the high end of a distribution is. */
function range(sweep: RangeSweep, input: string): Distribution {
  const ends = rangeEnds(sweep);
  if (ends === null) return fail('SWEEP', `${input}: the range has no value`);
  const [low, high] = [Math.min(ends.first, ends.last), Math.max(ends.first, ends.last)];
  const [step, log] = [Math.abs(ends.step), sweep.tags.includes('log')];
  const isPlain = ends.isWhole && step === 1;
  if (log && !isPlain)
    fail('SWEEP', `${input}: tag(log, …) goes with an interval, or a range of whole numbers with step 1`);
  if (log) requirePositive(low, input);
  return { kind: ends.isWhole ? 'int' : 'float', low, high, step, log };
}

function interval({ start, end, tags }: IntervalSweep, input: string): Distribution {
  const [low, high] = [Number(start.value), Number(end.value)];
  if (!(Number.isFinite(low) && Number.isFinite(high) && low <= high))
    fail('SWEEP', `${input}: an interval goes from a smaller to a larger number, got ${start.text} and ${end.text}`);
  const log = tags.includes('log');
  if (log) requirePositive(low, input);
  return start.type === 'int' && end.type === 'int'
    ? { kind: 'int', low, high, step: 1, log }
    : { kind: 'float', low, high, step: null, log };
}

function requirePositive(low: number, input: string): void {
  if (low <= 0) fail('SWEEP', `${input}: tag(log, …) needs an interval above 0, got ${low}`);
}

/** The value of an override that a drawn value stands for, spelled as Hydra spells it. */
export function drawnText(distribution: Distribution, drawn: Drawn): string {
  if (distribution.kind === 'categorical') return formatElement(distribution.choices[drawn] as ConfigNode, 'written');
  return distribution.kind === 'int' ? String(drawn) : pythonFloat(drawn);
}

/** The value as a study stores it: what is no text, number or truth value is a text to Optuna. */
export function storedNode(distribution: Distribution, drawn: Drawn): ConfigNode {
  if (distribution.kind !== 'categorical') return typedScalar(drawnText(distribution, drawn));
  const choice = distribution.choices[drawn] as ConfigNode;
  return isStoredAsText(choice) ? stringNode(formatElement(choice)) : choice;
}

const isStoredAsText = (choice: ConfigNode) => choice.kind !== 'scalar' || choice.value === null;

/** The overrides of a trial: what was drawn for it, then what stands for all. */
export function trialOverrides({ params, fixed }: SearchSpace, drawn: Readonly<Record<string, Drawn>>): string[] {
  const own = [...params].map(([name, distribution]) => `${name}=${drawnText(distribution, drawn[name] as Drawn)}`);
  return [...own, ...fixed.map(({ input }) => input)];
}

/**
 * Draws that together show every choice, and of every other parameter both ends and, where it is continuous, a value between: a trial that
 * cannot work is found by composing them. The first has every parameter at its first value, the others differ from it in one.
 */
export function probes({ params }: SearchSpace): Record<string, Drawn>[] {
  const first = Object.fromEntries(
    [...params].map(([name, distribution]) => [name, shownBy(distribution)[0] as Drawn]),
  );
  const others = [...params].flatMap(([name, distribution]) =>
    shownBy(distribution)
      .slice(1)
      .map((drawn) => ({ ...first, [name]: drawn })),
  );
  return [first, ...others];
}

function shownBy(distribution: Distribution): Drawn[] {
  if (distribution.kind === 'categorical') return distribution.choices.map((_, i) => i);
  const { kind, low, high, step } = distribution;
  // No whole number, so that an interval over a key that takes those alone is found.
  return kind === 'float' && step === null ? [low, high, low + (high - low) / Math.PI] : [low, high];
}

/** A distribution as Optuna writes it into its storages. */
export function distributionJson(distribution: Distribution): string {
  if (distribution.kind === 'categorical')
    return `{"name":"CategoricalDistribution","attributes":{"choices":[${distribution.choices.map(choiceJson).join(',')}]}}`;
  const { kind, low, high, step, log } = distribution;
  const number = (value: number | null) =>
    value === null ? 'null' : kind === 'int' ? String(value) : pythonFloat(value);
  const name = kind === 'int' ? 'IntDistribution' : 'FloatDistribution';
  return `{"name":"${name}","attributes":{"log":${log},"step":${number(step)},"low":${number(low)},"high":${number(high)}}}`;
}

/** Numbers keep their type, which JSON of JavaScript would lose. */
function choiceJson(choice: ConfigNode): string {
  if (choice.kind !== 'scalar' || isStoredAsText(choice)) return JSON.stringify(formatElement(choice));
  return choice.type === 'float' ? pythonFloat(choice.value as number) : JSON.stringify(choice.value);
}
