/**
 * The config tree while it is composed. Every value remembers where it was set and how it was written, so that errors can point at
 * a line and `1.10` can stay `1.10` where text is wanted.
 */
export type ConfigNode = ScalarNode | ListNode | MapNode;

export interface ScalarNode {
  kind: 'scalar';
  type: 'null' | 'bool' | 'int' | 'float' | 'string';
  value: null | boolean | number | string;
  /** As written, without quotes. */
  text: string;
  /** The quotes it was written in on the command line. */
  quote?: "'" | '"';
  origin: string;
}

interface ListNode {
  kind: 'list';
  items: ConfigNode[];
  origin: string;
}

export interface MapNode {
  kind: 'map';
  entries: Map<string, ConfigNode>;
  origin: string;
  /** Takes the place of what is there, as a list would, and is not merged into it. */
  replaces?: true;
}

export type Plain = null | boolean | number | string | Plain[] | { [key: string]: Plain };

/** What stands for "must be given". */
const missing = '???';

export function emptyMap(origin = ''): MapNode {
  return { kind: 'map', entries: new Map(), origin };
}

export function stringNode(value: string, origin = ''): ScalarNode {
  return { kind: 'scalar', type: 'string', value, text: value, origin };
}

export function cloneNode<N extends ConfigNode>(node: N, origin?: string): N;
export function cloneNode(node: ConfigNode, origin?: string): ConfigNode {
  const at = origin ?? node.origin;
  if (node.kind === 'scalar') return { ...node, origin: at };
  if (node.kind === 'list')
    return { kind: 'list', items: node.items.map((item) => cloneNode(item, origin)), origin: at };
  const entries = new Map([...node.entries].map(([key, value]) => [key, cloneNode(value, origin)] as const));
  return { kind: 'map', entries, origin: at };
}

/** The JavaScript value of a node: maps become objects, numbers become numbers. */
export function toPlain(node: ConfigNode): Plain {
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'list') return node.items.map(toPlain);
  return Object.fromEntries([...node.entries].map(([key, value]) => [key, toPlain(value)]));
}

/** The node of a JavaScript value. `undefined` members are left out. */
export function fromPlain(value: unknown, origin = ''): ConfigNode {
  if (Array.isArray(value)) return { kind: 'list', items: value.map((item) => fromPlain(item, origin)), origin };
  if (typeof value === 'object' && value !== null) {
    const given = Object.entries(value).filter(([, member]) => member !== undefined);
    return { kind: 'map', entries: new Map(given.map(([key, member]) => [key, fromPlain(member, origin)])), origin };
  }
  return scalarOf(value as null | boolean | number | string, origin);
}

function scalarOf(value: null | boolean | number | string, origin: string): ScalarNode {
  const text = String(value);
  if (value === null) return { kind: 'scalar', type: 'null', value, text, origin };
  if (typeof value === 'boolean') return { kind: 'scalar', type: 'bool', value, text, origin };
  if (typeof value === 'string') return { kind: 'scalar', type: 'string', value, text, origin };
  return { kind: 'scalar', type: Number.isInteger(value) ? 'int' : 'float', value, text, origin };
}

/** The child of a map or list under a key as it stands in a dotted path, or undefined. */
export function childOf(node: ConfigNode, key: string): ConfigNode | undefined {
  if (node.kind === 'map') return node.entries.get(key);
  if (node.kind === 'list' && /^-?\d+$/.test(key)) return node.items.at(Number(key));
  return undefined;
}

/** The node at a path without following interpolations, or undefined. */
export function nodeAt(root: ConfigNode, path: readonly string[]): ConfigNode | undefined {
  let node: ConfigNode | undefined = root;
  for (const key of path) {
    if (node === undefined) return undefined;
    node = childOf(node, key);
  }
  return node;
}

export function isNull(node: ConfigNode): boolean {
  return node.kind === 'scalar' && node.value === null;
}

export function isMissing(node: ConfigNode): boolean {
  return node.kind === 'scalar' && node.value === missing;
}

/** True for text that contains `${`, escaped or not. */
export function hasInterpolation(node: ConfigNode): node is ScalarNode & { value: string } {
  return node.kind === 'scalar' && typeof node.value === 'string' && node.value.includes('${');
}

/** Splits `a.b[0].c` into its keys; the empty path has none. */
export function splitPath(path: string): string[] {
  if (path === '') return [];
  return path
    .replace(/\[([^\]]*)\]/g, '.$1')
    .split('.')
    .filter((key, index) => key !== '' || index > 0);
}

/** Every leaf (scalar, or empty container) with its path, in order. */
export function* leaves(node: ConfigNode, path: string[] = []): Generator<[string[], ConfigNode]> {
  const children: [string, ConfigNode][] =
    node.kind === 'map'
      ? [...node.entries]
      : node.kind === 'list'
        ? node.items.map((item, index) => [String(index), item])
        : [];
  if (children.length === 0) yield [path, node];
  for (const [key, child] of children) yield* leaves(child, [...path, key]);
}
