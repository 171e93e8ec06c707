import { fail } from '../errors.ts';
import { nearest } from '../nearest.ts';
import { type ElementOverride, groupKey, isSweepOverride, type Override } from '../overrides/override.ts';
import { type ConfigNode, toPlain } from '../tree/node.ts';
import type { GroupItem } from './defaults-item.ts';
import { groupPath, optionName, overrideKey, type Placed } from './placed-item.ts';
import type { SearchPath } from './search-path.ts';

type Option = string | string[] | null;

interface Choice {
  value: Option;
  /** The config whose defaults list says so; null when the command line does. */
  from: string | null;
  isUsed: boolean;
}

/** What the command line and `override` entries say about groups, and what has been chosen so far. */
export class GroupOverrides {
  readonly appended: GroupItem[] = [];
  /** Overrides of values, for after composition. */
  readonly values: ElementOverride[] = [];
  /** Override key → chosen option, in the order of the walk. */
  readonly choices = new Map<string, Option>();
  readonly #choices = new Map<string, Choice>();
  readonly #deletions = new Map<string, { option: string | null; isUsed: boolean }>();
  readonly #keysOfGroup = new Map<string, Set<string>>();

  constructor(overrides: Override[], searchPath: SearchPath) {
    for (const override of overrides) {
      if (isSweepOverride(override)) continue;
      const element = override as ElementOverride;
      const isGroup = searchPath.isGroup(override.key) && element.value?.kind !== 'map';
      if (isGroup) this.#addGroup(element);
      else this.values.push(element);
    }
  }

  #addGroup(override: ElementOverride): void {
    const key = groupKey(override);
    if (override.kind === 'force-add') {
      fail('BAD_OVERRIDE', `${override.input}: a group takes + (append) or no prefix (change), not ++`);
    }
    const value = override.value === null ? null : optionOf(override.value, override.input);
    if (override.kind === 'delete') this.#deletions.set(key, { option: value as string | null, isUsed: false });
    else if (override.kind === 'change') this.#choices.set(key, { value, from: null, isUsed: false });
    else {
      const { key: group, package: pkg } = override;
      this.appended.push({
        kind: 'group',
        group,
        package: pkg,
        optional: false,
        value,
        override: false,
        isAppended: true,
      });
    }
  }

  /** Takes an `override group: option` entry; what was said earlier (or on the command line) stays. */
  addEntry(placed: Placed, from: string): void {
    const key = overrideKey(placed);
    if (!this.#choices.has(key))
      this.#choices.set(key, { value: (placed.item as GroupItem).value, from, isUsed: false });
  }

  /** Puts the chosen option into a group entry. */
  apply(placed: Placed): void {
    const choice = placed.item.kind === 'group' ? this.#choices.get(overrideKey(placed)) : undefined;
    if (choice === undefined) return;
    choice.isUsed = true;
    (placed.item as GroupItem).value = choice.value;
  }

  /** True when `~group` removes this entry. */
  takesOut(placed: Placed): boolean {
    const deletion = placed.item.kind === 'group' ? this.#deletions.get(overrideKey(placed)) : undefined;
    if (deletion === undefined || (deletion.option !== null && deletion.option !== optionName(placed))) return false;
    deletion.isUsed = true;
    return true;
  }

  remember(placed: Placed): void {
    if (placed.item.kind !== 'group') return;
    const key = overrideKey(placed);
    const option = optionName(placed);
    const earlier = this.choices.get(key);
    if (earlier !== undefined && earlier !== option) {
      fail(
        'DEFAULTS',
        `${key} is chosen twice: ${String(earlier)} and ${String(option)}; to change the choice write "override ${key}: OPTION", or ${key}=OPTION on the command line`,
      );
    }
    this.choices.set(key, option);
    const group = groupPath(placed);
    this.#keysOfGroup.set(group, (this.#keysOfGroup.get(group) ?? new Set()).add(key));
  }

  /** Refuses overrides and deletions that met nothing. */
  checkUsed(): void {
    for (const [key, { isUsed, from, value }] of this.#choices) if (!isUsed) this.#unused(key, from, value);
    for (const [key, { isUsed, option }] of this.#deletions) {
      if (!isUsed)
        fail('UNKNOWN_GROUP', `cannot delete ${key}${option === null ? '' : `=${option}`}: ${this.#inTheList(key)}`);
    }
  }

  #inTheList(key: string): string {
    const chosen = this.choices.get(key);
    return chosen === undefined ? 'it is not in the defaults list' : `${key} is ${String(chosen)} in the defaults list`;
  }

  #unused(key: string, from: string | null, value: Option): never {
    const group = key.split('@')[0] as string;
    const known = [...(this.#keysOfGroup.get(group) ?? [])].sort();
    const near = known.length > 0 ? known.join(', ') : nearest(key, this.choices.keys());
    const hint = near === undefined ? '' : `; did you mean ${near}?`;
    const advice = from === null ? `; to append it to the list use +${key}=${String(value)}` : '';
    const where = from === null ? '' : `in ${from}: `;
    return fail('UNKNOWN_GROUP', `${where}cannot override ${key}: it is not in the defaults list${hint}${advice}`);
  }
}

function optionOf(node: ConfigNode, input: string): Option {
  if (node.kind === 'list')
    return node.items.map((item) => (item.kind === 'scalar' ? item.text : badOption(node, input)));
  if (node.kind === 'map') return badOption(node, input);
  if (node.value === null) return null;
  return node.type === 'string' ? (node.value as string) : node.text;
}

function badOption(node: ConfigNode, input: string): never {
  return fail(
    'BAD_OVERRIDE',
    `${input}: a group takes the name of an option or a list of names, got ${JSON.stringify(toPlain(node))}`,
  );
}
