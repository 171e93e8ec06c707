import { stringify } from 'yaml';
import type { ConfigNode, ScalarNode } from './node.ts';
import { pythonFloat, typedScalar } from './scalar.ts';

/** Writes a config tree as YAML that both this package and Hydra read back. Numbers stay as they were written. */
export function toYaml(node: ConfigNode): string {
  if (node.kind === 'map' && node.entries.size > 0) return mapLines(node.entries, '').join('\n').concat('\n');
  if (node.kind === 'list' && node.items.length > 0) return listLines(node.items, '').join('\n').concat('\n');
  return `${inline(node)}\n`;
}

function mapLines(entries: Map<string, ConfigNode>, indent: string): string[] {
  return [...entries].flatMap(([key, value]) => entryLines(`${indent}${keyText(key)}:`, value, indent));
}

function entryLines(head: string, value: ConfigNode, indent: string): string[] {
  if (value.kind === 'map' && value.entries.size > 0) return [head, ...mapLines(value.entries, `${indent}  `)];
  if (value.kind === 'list' && value.items.length > 0) return [head, ...listLines(value.items, indent)];
  return [`${head} ${inline(value)}`];
}

function listLines(items: ConfigNode[], indent: string): string[] {
  return items.flatMap((item) => {
    const deeper = `${indent}  `;
    const isBlock = (item.kind === 'map' && item.entries.size > 0) || (item.kind === 'list' && item.items.length > 0);
    if (!isBlock) return [`${indent}- ${inline(item)}`];
    const lines =
      item.kind === 'map' ? mapLines(item.entries, deeper) : listLines(item.kind === 'list' ? item.items : [], deeper);
    return [`${indent}- ${(lines[0] as string).slice(deeper.length)}`, ...lines.slice(1)];
  });
}

function inline(node: ConfigNode): string {
  if (node.kind === 'map') return '{}';
  if (node.kind === 'list') return '[]';
  return scalarText(node);
}

function keyText(key: string): string {
  return /^[A-Za-z_0-9][\w./@-]*$/.test(key) ? key : JSON.stringify(key);
}

function scalarText(node: ScalarNode): string {
  if (node.type === 'string') return stringText(node.value as string);
  if (node.type === 'float') return floatText(node.value as number, node.text);
  return String(node.value);
}

function floatText(value: number, text: string): string {
  if (Number.isNaN(value)) return '.nan';
  if (!Number.isFinite(value)) return value > 0 ? '.inf' : '-.inf';
  return /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i.test(text) ? text : pythonFloat(value);
}

/** Quoted when YAML 1.2, or the YAML 1.1 that Hydra reads, would take it for something else. */
function stringText(value: string): string {
  const looksTyped =
    typedScalar(value).type !== 'string' ||
    /^(?:yes|no|on|off|y|n|~|[-+]?(?:0[xob][\da-f_]+|[\d.][\d_.:]*))$/i.test(value);
  if (looksTyped || /[\n\r\t]/.test(value)) return JSON.stringify(value);
  return stringify(value, { lineWidth: 0 }).trimEnd();
}
