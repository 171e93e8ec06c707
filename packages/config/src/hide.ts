import {
  declareSecretName,
  findSecrets,
  hideInValue,
  hideSecrets,
  isSecretName,
  rememberSecret,
} from '@crosscheck/contract';
import { type Composition, type ConfigNode, leaves, type MapNode, type ScalarNode } from '@crosscheck/hydra';
import { type Schema, schemaKeys } from './schema-walk.ts';

/** A reference such as `${oc.env:CROSSCHECK_API_KEY,null}` says where a secret is, not what it is. */
const reference = /^\$\{[\w.]+(?::\s*\w+(?:,\s*null)?)?\}$/;

/** The tree as it may be written and printed: secrets are hidden, what refers to them stays. */
export function hideInTree<N extends ConfigNode>(node: N, key?: string): N;
export function hideInTree(node: ConfigNode, key = ''): ConfigNode {
  if (node.kind === 'scalar') return hideScalar(node, key);
  if (node.kind === 'list') return { ...node, items: node.items.map((item) => hideInTree(item, key)) };
  return { ...node, entries: new Map([...node.entries].map(([name, child]) => [name, hideInTree(child, name)])) };
}

function hideScalar(node: ScalarNode, key: string): ScalarNode {
  if (node.value === null || (typeof node.value === 'string' && reference.test(node.value))) return node;
  if (isSecretName(key)) return { ...node, type: 'string', value: '***', text: '***' };
  if (typeof node.value !== 'string') return node;
  const value = hideInValue(node.value);
  return value === node.value ? node : { ...node, value, text: value };
}

/** The same for a composition; the `hydra` block repeats the command line, where a secret may stand anywhere. */
export function hideInComposition({
  config,
  hydra,
  overrides,
}: Composition): Pick<Composition, 'config' | 'hydra' | 'overrides'> {
  return {
    config: hideInTree(config),
    hydra: hideTexts(hideInTree(hydra)) as MapNode,
    overrides: overrides.map((override) => ({ ...override, input: hideSecrets(override.input) })),
  };
}

function hideTexts(node: ConfigNode): ConfigNode {
  if (node.kind === 'list') return { ...node, items: node.items.map(hideTexts) };
  if (node.kind === 'map')
    return { ...node, entries: new Map([...node.entries].map(([name, child]) => [name, hideTexts(child)])) };
  if (typeof node.value !== 'string') return node;
  const value = hideSecrets(node.value);
  return { ...node, value, text: value };
}

/** `.meta({ secret: true })` on a key hides its value wherever a key of that name stands. */
export function declareSecretKeys(schema: Schema): void {
  for (const key of schemaKeys(schema))
    if (isDeclaredSecret(key.schema)) declareSecretName(key.path.split('.').at(-1) as string);
}

function isDeclaredSecret(schema: Schema): boolean {
  if (schema.meta()?.['secret'] === true) return true;
  const inner = (schema.def as { innerType?: Schema }).innerType;
  return inner !== undefined && isDeclaredSecret(inner);
}

/** Lets logs, messages and the terminal know what to hide. */
export function rememberSecrets(resolved: ConfigNode): void {
  for (const [path, node] of leaves(resolved)) {
    if (node.kind !== 'scalar' || typeof node.value === 'boolean' || node.value === null) continue;
    const text = String(node.value);
    for (const secret of isSecretName(path.at(-1) ?? '') ? [text] : findSecrets(text)) rememberSecret(secret);
  }
}
