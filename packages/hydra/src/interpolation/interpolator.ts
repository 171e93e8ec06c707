import { fail, HydraError } from '../errors.ts';
import { nearestKey } from '../nearest.ts';
import { type ConfigNode, childOf, cloneNode, hasInterpolation, isMissing, leaves, stringNode } from '../tree/node.ts';
import { pythonText, typedScalar } from '../tree/scalar.ts';
import {
  type Argument,
  type NodeInterpolation,
  type Part,
  parseElement,
  parseInterpolations,
  type ResolverInterpolation,
} from './parser.ts';
import { type Found, type Resolver, standardResolvers } from './resolvers.ts';

export interface ResolveOptions {
  /** What `${hydra:…}` looks into. */
  hydra?: ConfigNode;
  /** The moment that `${now:…}` prints: one per run. */
  now?: Date;
  env?: NodeJS.ProcessEnv;
  resolvers?: Record<string, Resolver>;
}

type Path = readonly string[];

/** Follows interpolations in one tree. */
export class Interpolator {
  readonly root: ConfigNode;
  readonly options: Required<Pick<ResolveOptions, 'now' | 'env'>> & ResolveOptions;
  #active = new Set<string>();
  readonly #resolvers: Record<string, Resolver>;

  constructor(root: ConfigNode, options: ResolveOptions = {}) {
    this.root = root;
    this.options = { now: new Date(), env: process.env, ...options };
    this.#resolvers = { ...standardResolvers, ...options.resolvers };
  }

  /** The same rules and moment over another tree. */
  fork(root: ConfigNode): Interpolator {
    const other = new Interpolator(root, this.options);
    other.#active = this.#active;
    return other;
  }

  /** A copy of the node at `path` without interpolations. */
  deep(node: ConfigNode, path: Path): ConfigNode {
    if (node.kind === 'scalar') return this.value(node, path);
    if (node.kind === 'list')
      return { ...node, items: node.items.map((item, index) => this.deep(item, [...path, String(index)])) };
    return {
      ...node,
      entries: new Map([...node.entries].map(([key, child]) => [key, this.deep(child, [...path, key])])),
    };
  }

  /** The node itself, or what its interpolation stands for. */
  value(node: ConfigNode, path: Path): ConfigNode {
    if (!hasInterpolation(node)) return node;
    const key = path.join('.');
    if (this.#active.has(key)) fail('INTERPOLATION', `${[...this.#active, key].join(' → ')} refers to itself`);
    this.#active.add(key);
    try {
      const parts = parseInterpolations(node.value);
      return cloneNode(this.join(parts, path.slice(0, -1)), node.origin);
    } catch (error) {
      throw withPlace(error, key, node.origin);
    } finally {
      this.#active.delete(key);
    }
  }

  /** A single interpolation keeps its type; anything longer becomes text. */
  join(parts: Part[], parent: Path): ConfigNode {
    const [only] = parts;
    if (parts.length === 1 && typeof only === 'object') return this.#one(only, parent);
    return stringNode(this.text(parts, parent));
  }

  text(parts: Part[], parent: Path): string {
    return parts.map((part) => (typeof part === 'string' ? part : pythonText(this.#one(part, parent)))).join('');
  }

  #one(part: NodeInterpolation | ResolverInterpolation, parent: Path): ConfigNode {
    return part.kind === 'node' ? this.#follow(part, parent) : this.#call(part, parent);
  }

  #follow({ ups, keys, text }: NodeInterpolation, parent: Path): ConfigNode {
    if (ups > parent.length + 1) fail('INTERPOLATION', `${text} goes above the top of the config`);
    const base = ups === 0 ? [] : parent.slice(0, parent.length - (ups - 1));
    const path = [...base, ...keys.map((key) => this.text(key, parent))];
    const found = this.find(path);
    if (found === undefined) return this.#notFound(text, path);
    if (isMissing(found.node))
      fail('MISSING', `${text} refers to ${path.join('.')}, which must be given; add ${path.join('.')}=VALUE`);
    return this.settle(found);
  }

  #notFound(text: string, path: Path): never {
    const known = [...leaves(this.root)].map(([leaf]) => leaf.join('.'));
    const near = nearestKey(path.join('.'), known);
    return fail(
      'INTERPOLATION',
      `${text} refers to ${path.join('.')}, which does not exist${near === undefined ? '' : `; did you mean ${near}?`}`,
    );
  }

  /** The node at a path, following interpolations that stand on the way. */
  find(path: Path): Found | undefined {
    let found = this.#step({ node: this.root, path: [], isResolved: false });
    for (const key of path) {
      const child = childOf(found.node, key);
      if (child === undefined) return undefined;
      found = this.#step({ node: child, path: [...found.path, key], isResolved: found.isResolved });
    }
    return found;
  }

  #step(found: Found): Found {
    if (found.isResolved || !hasInterpolation(found.node)) return found;
    return { ...found, node: this.value(found.node, found.path), isResolved: true };
  }

  /** Everything inside a found node, without interpolations. */
  settle({ node, path, isResolved }: Found): ConfigNode {
    return isResolved ? node : this.deep(node, path);
  }

  #call({ name, args, text }: ResolverInterpolation, parent: Path): ConfigNode {
    const resolverName = this.text(name, parent);
    const resolver = this.#resolvers[resolverName];
    if (resolver === undefined) {
      const known = Object.keys(this.#resolvers).sort().join(', ');
      return fail('INTERPOLATION', `${text} uses the unknown resolver ${resolverName}; known: ${known}`);
    }
    const values = args.map((arg) => this.argument(arg, parent));
    return resolver(values, { interpolator: this, parent, text });
  }

  argument(argument: Argument, parent: Path): ConfigNode {
    if (argument.kind === 'list')
      return { kind: 'list', items: argument.items.map((item) => this.argument(item, parent)), origin: '' };
    if (argument.kind === 'map') {
      const entries = argument.entries.map(
        ([key, value]) => [pythonText(this.argument(key, parent)), this.argument(value, parent)] as const,
      );
      return { kind: 'map', entries: new Map(entries), origin: '' };
    }
    const [only] = argument.parts;
    if (argument.isQuoted) return stringNode(this.text(argument.parts, parent));
    if (argument.parts.length === 1 && typeof only === 'string' && !argument.isEscaped) return typedScalar(only);
    return this.join(argument.parts, parent);
  }

  /** Reads text as an element of the grammar, as `oc.decode` does. */
  decode(text: string, parent: Path): ConfigNode {
    return this.argument(parseElement(text), parent);
  }
}

/** Adds where it happened to an error, once. */
function withPlace(error: unknown, key: string, origin: string): unknown {
  if (!(error instanceof HydraError) || error.message.includes(' (in ')) return error;
  return new HydraError(
    error.code,
    `${error.message} (in ${key === '' ? 'the defaults list' : key}${origin === '' ? '' : `, ${origin}`})`,
    { cause: error },
  );
}

/**
 * A copy of a composed config in which every interpolation is replaced by what it stands for.
 *
 * @throws INTERPOLATION, MISSING
 */
export function resolveConfig(root: ConfigNode, options: ResolveOptions = {}): ConfigNode {
  return new Interpolator(root, options).deep(root, []);
}

/** One text resolved against a tree; undefined when it refers to something that is not there. */
export function resolveText(text: string, root: ConfigNode): string | undefined {
  try {
    return new Interpolator(root).text(parseInterpolations(text), []);
  } catch (error) {
    if (error instanceof HydraError) return undefined;
    throw error;
  }
}
