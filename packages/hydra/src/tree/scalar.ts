import type { ConfigNode, ScalarNode } from './node.ts';

const integer = /^[+-]?(?:0|[1-9](?:_?\d)*)$/;
const float =
  /^[+-]?(?:(?:(?:0|[1-9](?:_?\d)*)\.|(?:0|[1-9](?:_?\d)*)?\.\d(?:_?\d)*|(?:0|[1-9](?:_?\d)*)(?=[eE]))(?:[eE][+-]?\d(?:_?\d)*)?|inf|nan)$/i;

function numberOf(text: string): number {
  const lower = text.toLowerCase().replaceAll('_', '');
  if (lower.endsWith('nan')) return Number.NaN;
  if (lower.endsWith('inf')) return lower.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return Number(lower);
}

/** Reads unquoted text of the override grammar: an int, a float, a bool, null, or else a string. */
export function typedScalar(text: string, origin = ''): ScalarNode {
  const base = { kind: 'scalar', text, origin } as const;
  if (integer.test(text)) return { ...base, type: 'int', value: numberOf(text) };
  if (float.test(text)) return { ...base, type: 'float', value: numberOf(text) };
  if (/^(?:true|false)$/i.test(text)) return { ...base, type: 'bool', value: text.toLowerCase() === 'true' };
  if (/^null$/i.test(text)) return { ...base, type: 'null', value: null };
  return { ...base, type: 'string', value: text };
}

/** A float as Python prints it: `1e-05`, `100000.0`, `inf`. Hydra builds texts and folder names with it. */
export function pythonFloat(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  const [mantissa, exponentText] = value.toExponential().split('e') as [string, string];
  const exponent = Number(exponentText);
  if (exponent < -4 || exponent >= 16) {
    return `${mantissa}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
  }
  const fixed = String(value);
  return fixed.includes('.') ? fixed : `${fixed}.0`;
}

const pythonNames: Record<string, string> = { true: 'True', false: 'False', null: 'None' };

/** What a value becomes inside a longer text, spelled as Python's `str` does: `True`, `None`, `1e-05`, `{'a': 1}`. */
export function pythonText(node: ConfigNode): string {
  if (node.kind === 'list') return `[${node.items.map(pythonLiteral).join(', ')}]`;
  if (node.kind === 'map') {
    return `{${[...node.entries].map(([key, value]) => `'${key}': ${pythonLiteral(value)}`).join(', ')}}`;
  }
  if (node.type === 'float') return pythonFloat(node.value as number);
  return pythonNames[String(node.type === 'string' ? '' : node.value)] ?? String(node.value);
}

function pythonLiteral(node: ConfigNode): string {
  return node.kind === 'scalar' && node.type === 'string' ? `'${node.value}'` : pythonText(node);
}
