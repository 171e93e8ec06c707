import { fail } from '../errors.ts';
import { type ConfigNode, cloneNode, isMissing, isNull, type MapNode, splitPath, stringNode } from '../tree/node.ts';
import { pythonText, typedScalar } from '../tree/scalar.ts';
import { formatTime } from './time-format.ts';

/** What resolvers ask of the one that follows references. */
interface References {
  readonly root: ConfigNode;
  readonly options: { hydra?: ConfigNode; now: Date; env: NodeJS.ProcessEnv };
  find(path: readonly string[]): Found | undefined;
  settle(found: Found): ConfigNode;
  decode(text: string, parent: readonly string[]): ConfigNode;
  /** The same rules and moment over another tree. */
  fork(root: ConfigNode): References;
}

/** A place in the tree: its node and where it is. */
export interface Found {
  node: ConfigNode;
  path: readonly string[];
  /** It came out of an interpolation: what looks like one in it is text. */
  isResolved: boolean;
}

interface ResolverCall {
  interpolator: References;
  /** The container that the interpolation stands in. */
  parent: readonly string[];
  /** The interpolation as written, for messages. */
  text: string;
}

/** What stands behind `${name:…}`. */
export type Resolver = (args: ConfigNode[], call: ResolverCall) => ConfigNode;

const nullNode = () => typedScalar('null');

/** The resolvers of OmegaConf 2.3 and Hydra 1.3. */
export const standardResolvers: Record<string, Resolver> = {
  'oc.create': (args, call) => cloneNode(argument(args, 0, call)),
  'oc.decode': decode,
  'oc.deprecated': (args, call) =>
    required(select(textArgument(args, 0, call), call), textArgument(args, 0, call), call),
  'oc.dict.keys': dictKeys,
  'oc.dict.values': dictValues,
  'oc.env': environment,
  'oc.select': (args, call) => select(textArgument(args, 0, call), call) ?? args[1] ?? nullNode(),
  hydra: hydraValue,
  now: (args, call) => stringNode(formatTime(call.interpolator.options.now, textArgument(args, 0, call))),
};

function argument(args: ConfigNode[], index: number, call: ResolverCall): ConfigNode {
  return args[index] ?? fail('INTERPOLATION', `${call.text} lacks an argument`);
}

function textArgument(args: ConfigNode[], index: number, call: ResolverCall): string {
  const node = argument(args, index, call);
  return node.kind === 'scalar' && node.type !== 'null'
    ? String(node.value)
    : fail('INTERPOLATION', `${call.text} needs text as its argument`);
}

/** A default turns into text, as the variable would be; null stays null. */
function environment(args: ConfigNode[], call: ResolverCall): ConfigNode {
  const name = textArgument(args, 0, call);
  const value = call.interpolator.options.env[name];
  if (value !== undefined) return stringNode(value);
  const [, otherwise] = args;
  if (otherwise !== undefined) return isNull(otherwise) ? otherwise : stringNode(pythonText(otherwise));
  return fail(
    'INTERPOLATION',
    `the environment variable ${name} is not set; set it, or give a default: \${oc.env:${name},DEFAULT}`,
  );
}

function decode(args: ConfigNode[], call: ResolverCall): ConfigNode {
  const node = argument(args, 0, call);
  if (isNull(node)) return node;
  if (node.kind !== 'scalar' || node.type !== 'string')
    return fail('INTERPOLATION', `${call.text}: oc.decode takes text or null`);
  return call.interpolator.decode(node.value as string, call.parent);
}

/** Absolute, or relative to the container with leading dots; undefined for what is not there or must be given. */
function select(key: string, { interpolator, parent }: ResolverCall): ConfigNode | undefined {
  const dots = /^\.*/.exec(key)?.[0].length ?? 0;
  const base = dots === 0 ? [] : parent.slice(0, parent.length - (dots - 1));
  const found = interpolator.find([...base, ...splitPath(key.slice(dots))]);
  return found === undefined || isMissing(found.node) ? undefined : interpolator.settle(found);
}

function required(node: ConfigNode | undefined, key: string, call: ResolverCall): ConfigNode {
  return node ?? fail('INTERPOLATION', `${call.text} refers to ${key}, which does not exist`);
}

function dictOf(args: ConfigNode[], call: ResolverCall): MapNode {
  const key = textArgument(args, 0, call);
  const node = required(select(key, call), key, call);
  return node.kind === 'map' ? node : fail('INTERPOLATION', `${call.text}: ${key} is not a mapping`);
}

function dictKeys(args: ConfigNode[], call: ResolverCall): ConfigNode {
  return { kind: 'list', items: [...dictOf(args, call).entries.keys()].map((key) => stringNode(key)), origin: '' };
}

function dictValues(args: ConfigNode[], call: ResolverCall): ConfigNode {
  return { kind: 'list', items: [...dictOf(args, call).entries.values()], origin: '' };
}

function hydraValue(args: ConfigNode[], call: ResolverCall): ConfigNode {
  const key = textArgument(args, 0, call);
  const hydra = call.interpolator.options.hydra;
  if (hydra === undefined) return fail('INTERPOLATION', `${call.text} has a value only in a run`);
  const inner = hydraInterpolator(hydra, call);
  const found = inner.find(['hydra', ...splitPath(key)]);
  if (found === undefined)
    return args[1] ?? fail('INTERPOLATION', `${call.text} refers to hydra.${key}, which does not exist`);
  if (isMissing(found.node)) return fail('MISSING', `${call.text} refers to hydra.${key}, which has no value here`);
  return inner.settle(found);
}

/** The hydra block's own interpolations look into the whole config. */
function hydraInterpolator(hydra: ConfigNode, { interpolator }: ResolverCall): References {
  const entries = interpolator.root.kind === 'map' ? interpolator.root.entries : [];
  const root: MapNode = { kind: 'map', entries: new Map([...entries, ['hydra', hydra]]), origin: '' };
  return interpolator.fork(root);
}
