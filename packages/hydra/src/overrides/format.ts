import type { ConfigNode, ScalarNode } from '../tree/node.ts';
import { pythonFloat } from '../tree/scalar.ts';
import { parseValue } from './parser.ts';

/**
 * Writes a value so that the override grammar reads it back.
 * `python` spells numbers and booleans as Hydra's own `get_value_element_as_str` does; `written` keeps them as they were typed, and
 * puts texts in quotes that would otherwise come back as something else.
 */
export function formatElement(node: ConfigNode, style: 'python' | 'written' = 'python'): string {
  if (node.kind === 'list') return `[${node.items.map((item) => formatElement(item, style)).join(',')}]`;
  if (node.kind === 'map') {
    const pairs = [...node.entries].map(([key, value]) => `${escapeSpecial(key)}:${formatElement(value, style)}`);
    return `{${pairs.join(',')}}`;
  }
  return style === 'python' ? pythonScalar(node) : writtenScalar(node);
}

function pythonScalar(node: ScalarNode): string {
  if (node.type === 'null') return 'null';
  if (node.type === 'bool') return node.value === true ? 'True' : 'False';
  if (node.type === 'float') return pythonFloat(node.value as number);
  if (node.type === 'int') return String(node.value);
  const text = node.value as string;
  return node.quote === undefined ? escapeSpecial(text) : withQuotes(text, node.quote);
}

function writtenScalar(node: ScalarNode): string {
  if (node.type !== 'string') return node.text;
  const text = node.value as string;
  if (node.quote !== undefined) return withQuotes(text, node.quote);
  return readsBack(text) ? text : withQuotes(text, "'");
}

function readsBack(text: string): boolean {
  try {
    const value = parseValue(text);
    return value.kind === 'scalar' && value.type === 'string' && value.value === text && value.quote === undefined;
  } catch {
    return false;
  }
}

function escapeSpecial(text: string): string {
  return text.replace(/[\\()[\]{}:=, \t]/g, '\\$&');
}

/** Doubles the backslashes that stand before a quote or at the end, then escapes the quotes. */
function withQuotes(text: string, quote: "'" | '"'): string {
  const before = quote === "'" ? /(\\*)(')|(\\+)$/g : /(\\*)(")|(\\+)$/g;
  const escaped = text.replace(
    before,
    (_, slashes: string | undefined, mark: string | undefined, last: string | undefined) =>
      mark === undefined ? `${last}${last}` : `${slashes}${slashes}\\${mark}`,
  );
  return `${quote}${escaped}${quote}`;
}
