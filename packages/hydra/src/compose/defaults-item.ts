import { fail } from '../errors.ts';
import { type ConfigNode, toPlain } from '../tree/node.ts';

/** One line of a defaults list, as written. */
export type DefaultItem = SelfItem | ConfigItem | GroupItem;

interface SelfItem {
  kind: 'self';
}

interface Embedded {
  /** After `@`; null when there is none. */
  package: string | null;
  optional: boolean;
}

/** `- name` or `- group/name@package`: one config. */
export interface ConfigItem extends Embedded {
  kind: 'config';
  path: string;
}

/** `- group: option`. */
export interface GroupItem extends Embedded {
  kind: 'group';
  group: string;
  value: string | string[] | null;
  override: boolean;
  /** Came from `+group=option` on the command line. */
  isAppended: boolean;
}

/** Reads a `defaults:` node; null when the file has none. */
export function readDefaults(node: ConfigNode | undefined, file: string): DefaultItem[] | null {
  if (node === undefined) return null;
  if (node.kind !== 'list') return bad(node, 'defaults must be a list, as in "- model: tiny"');
  const items = node.items.map(readItem);
  if (items.filter((item) => item.kind === 'self').length > 1)
    bad(node, `_self_ stands twice in the defaults of ${file}`);
  return items;
}

function bad(node: ConfigNode, message: string): never {
  return fail('DEFAULTS', `${node.origin}: ${message}`);
}

function readItem(node: ConfigNode): DefaultItem {
  if (node.kind === 'scalar' && node.type === 'string') return configItem(node.value as string, node);
  if (node.kind !== 'map')
    return bad(node, `a defaults entry is "- config" or "- group: option", got ${JSON.stringify(toPlain(node))}`);
  const [entry, ...others] = [...node.entries];
  if (entry === undefined || others.length > 0) {
    return bad(node, `a defaults entry has one group, got ${[...node.entries.keys()].join(', ') || 'none'}`);
  }
  return groupItem(entry[0], entry[1]);
}

function configItem(text: string, node: ConfigNode): DefaultItem {
  const { name, pkg, optional, override } = splitKey(text);
  if (name === '_self_') return pkg === null ? { kind: 'self' } : bad(node, '_self_ takes no @package');
  if (override) bad(node, `override needs a group and an option, as in "- override ${name}: OPTION"`);
  return { kind: 'config', path: name, package: pkg, optional };
}

function groupItem(key: string, value: ConfigNode): GroupItem {
  const { name, pkg, optional, override } = splitKey(key);
  return { kind: 'group', group: name, package: pkg, optional, override, value: optionOf(value), isAppended: false };
}

function optionOf(node: ConfigNode): string | string[] | null {
  if (node.kind === 'list') {
    return node.items.map((item) =>
      item.kind === 'scalar' && item.value !== null ? item.text : bad(item, 'the options of a group must be names'),
    );
  }
  if (node.kind === 'map') return bad(node, 'the option of a group must be a name, a list of names or null');
  return node.value === null ? null : node.type === 'string' ? (node.value as string) : node.text;
}

interface Key {
  name: string;
  pkg: string | null;
  optional: boolean;
  override: boolean;
}

/** `optional override group@package` into its parts. */
function splitKey(text: string): Key {
  const words = text.trim().split(/\s+/);
  const last = words.at(-1) ?? '';
  const at = last.indexOf('@');
  return {
    name: at < 0 ? last : last.slice(0, at),
    pkg: at < 0 ? null : last.slice(at + 1),
    optional: words.slice(0, -1).includes('optional'),
    override: words.slice(0, -1).includes('override'),
  };
}
