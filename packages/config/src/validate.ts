import {
  type ConfigNode,
  fromPlain,
  Interpolator,
  isMissing,
  leaves,
  nearestKey,
  nearestName,
  nodeAt,
  type Plain,
  type ResolveOptions,
  toPlain,
} from '@crosscheck/hydra';
import type { z } from 'zod';
import { collect, type Problem } from './problems.ts';
import { membersOf, type Schema, schemaAt, schemaKeys, takesText, typeText, unwrap } from './schema-walk.ts';

/** Numbers and booleans become the text they were written as, where the schema asks for text: `version: 1.10` stays `1.10`. */
export function keepText(node: ConfigNode, schema: Schema | undefined): ConfigNode {
  if (schema === undefined) return node;
  if (node.kind === 'scalar') {
    const isTyped = node.type === 'int' || node.type === 'float' || node.type === 'bool';
    return isTyped && takesText(schema) ? { ...node, type: 'string', value: node.text } : node;
  }
  if (node.kind === 'list')
    return { ...node, items: node.items.map((item, index) => keepText(item, schemaAt(schema, [String(index)]))) };
  const entries = [...node.entries].map(([key, child]) => [key, keepText(child, schemaAt(schema, [key]))] as const);
  return { ...node, entries: new Map(entries) };
}

/** Replaces interpolations; what cannot be resolved is collected and left out of the validation. */
export function resolveCollecting(
  root: ConfigNode,
  options: ResolveOptions,
  problems: Problem[],
): { node: ConfigNode; failed: Set<string> } {
  const interpolator = new Interpolator(root, options);
  const failed = new Set<string>();
  const walk = (node: ConfigNode, path: string[]): ConfigNode => {
    if (node.kind === 'list')
      return { ...node, items: node.items.map((item, index) => walk(item, [...path, String(index)])) };
    if (node.kind === 'map')
      return { ...node, entries: new Map([...node.entries].map(([key, child]) => [key, walk(child, [...path, key])])) };
    let resolved: ConfigNode = node;
    const before = problems.length;
    collect(problems, () => {
      resolved = interpolator.value(node, path);
    });
    if (problems.length > before) failed.add(path.join('.'));
    return resolved;
  };
  return { node: walk(root, []), failed };
}

export interface Validation<C> {
  config: C | undefined;
  problems: Problem[];
}

/** Checks a resolved config; every problem names the key, what was expected, what it got and who set it. */
export function validate<C>(
  resolved: ConfigNode,
  schema: z.ZodType<C>,
  alreadyFailed: ReadonlySet<string> = new Set(),
): Validation<C> {
  const problems: Problem[] = [];
  const skip = new Set(alreadyFailed);
  for (const [path, node] of leaves(resolved)) {
    if (!isMissing(node)) continue;
    const key = path.join('.');
    skip.add(key);
    problems.push({
      code: 'CROSSCHECK_CONFIG_MISSING',
      message: `${key} must be given (${node.origin}); add ${key}=VALUE`,
    });
  }
  const result = schema.safeParse(toPlain(resolved), { reportInput: true });
  if (result.success) return { config: problems.length === 0 ? result.data : undefined, problems };
  for (const issue of result.error.issues) problems.push(...describe(issue, { resolved, schema, skip }));
  return { config: undefined, problems };
}

interface Context {
  resolved: ConfigNode;
  schema: Schema;
  skip: ReadonlySet<string>;
}

function describe(issue: z.core.$ZodIssue, context: Context): Problem[] {
  const path = issue.path.map(String);
  const key = path.join('.');
  if (context.skip.has(key)) return [];
  if (issue.code === 'unrecognized_keys') return issue.keys.map((name) => unknownKey([...path, name], context));
  const origin = originAt(context.resolved, path);
  if (issue.code === 'custom') return [{ code: 'CROSSCHECK_CONFIG_VALUE', message: `${issue.message} (${origin})` }];
  const at = schemaAt(context.schema, path);
  const expected = at === undefined ? issue.message : typeText(at);
  const node = nodeAt(context.resolved, path);
  const isWrongType = issue.code === 'invalid_type' || issue.code === 'invalid_union';
  return [
    {
      code: isWrongType ? 'CROSSCHECK_CONFIG_TYPE' : 'CROSSCHECK_CONFIG_VALUE',
      message: `${key}: expected ${expected}, got ${describeValue(node)} (${origin})${hint(at, node)}`,
    },
  ];
}

function describeValue(node: ConfigNode | undefined): string {
  if (node === undefined) return 'nothing';
  if (node.kind === 'map') return 'a mapping';
  if (node.kind === 'list') return 'a list';
  return node.type === 'string'
    ? `the text "${String(node.value)}"`
    : node.type === 'null'
      ? 'null'
      : String(node.value);
}

/** Advice for the usual slips: YAML 1.1 booleans, and a value close to an allowed one. */
function hint(schema: Schema | undefined, node: ConfigNode | undefined): string {
  const advice = schema?.meta()?.['advice'];
  if (typeof advice === 'string') return `; ${advice}`;
  if (schema === undefined || node?.kind !== 'scalar' || node.type !== 'string') return '';
  const { definition } = unwrap(schema);
  const text = String(node.value);
  if (definition.type === 'boolean' && /^(?:yes|no|on|off|y|n)$/i.test(text))
    return `; write ${/^(?:yes|on|y)$/i.test(text) ? 'true' : 'false'}`;
  const near =
    definition.type === 'enum' ? nearestName(text, Object.values(definition.entries ?? {}).map(String)) : undefined;
  return near === undefined ? '' : `; did you mean ${near}?`;
}

function unknownKey(path: string[], { resolved, schema }: Context): Problem {
  const key = path.join('.');
  const near = nearestKey(
    key,
    schemaKeys(schema).map((known) => known.path),
  );
  const parent = path.slice(0, -1);
  const members = membersOf(schemaAt(schema, parent) ?? schema).map(([name]) => name);
  const where = parent.length === 0 ? 'the config' : parent.join('.');
  const suggestion = near === undefined ? '' : `; did you mean ${near}?`;
  return {
    code: 'CROSSCHECK_CONFIG_UNKNOWN_KEY',
    message: `unknown key ${key} (${originAt(resolved, path)})${suggestion}; ${where} has: ${members.join(', ')}`,
  };
}

/** Where the value at a path was set; for a value that is absent, where its nearest container was. */
function originAt(root: ConfigNode, path: readonly string[]): string {
  for (let length = path.length; length >= 0; length--) {
    const origin = nodeAt(root, path.slice(0, length))?.origin;
    if (origin !== undefined && origin !== '') return origin;
  }
  return 'nowhere set';
}

/** Dotted key → who set it, for every key of the validated config. Lists count as one value. */
export function originsOf(root: ConfigNode, config: Plain): Record<string, string> {
  const origins: Record<string, string> = {};
  const walk = (node: ConfigNode, path: string[]) => {
    if (node.kind === 'map') for (const [key, child] of node.entries) walk(child, [...path, key]);
    if (node.kind === 'map' && node.entries.size > 0) return;
    const key = path.join('.');
    origins[key] = nodeAt(root, path) === undefined ? 'default of the schema' : originAt(root, path);
  };
  walk(fromPlain(config), []);
  return origins;
}
