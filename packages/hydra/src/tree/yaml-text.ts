import { stringify } from 'yaml';
import type { ConfigNode, ScalarNode } from './node.ts';
import { pythonFloat } from './scalar.ts';

/** Writes a config tree as YAML that this package, PyYAML and OmegaConf read back with the same types. Numbers stay as they were written where they can. */
export function toYaml(node: ConfigNode): string {
  if (node.kind === 'map' && node.entries.size > 0) return mapLines(node.entries, '').join('\n').concat('\n');
  if (node.kind === 'list' && node.items.length > 0) return listLines(node.items, '').join('\n').concat('\n');
  return `${inline(node)}\n`;
}

function mapLines(entries: Map<string, ConfigNode>, indent: string): string[] {
  return [...entries].flatMap(([key, value]) => entryLines(keyHead(key, indent), value, indent));
}

/** PyYAML looks for the colon within 1,024 characters; longer keys are marked. */
function keyHead(key: string, indent: string): string {
  const text = keyText(key);
  return text.length < 1000 ? `${indent}${text}:` : `${indent}? ${text}\n${indent}:`;
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

/** Whole numbers stay bare, as `0: REAL` stands in the configs; so do y and n, which PyYAML takes for text. */
function keyText(key: string): string {
  const isBare = /^[A-Za-z_0-9][\w./@-]*$/.test(key) && (!looksTyped(key) || /^(?:[yn]|0|[1-9]\d*)$/i.test(key));
  return isBare ? key : quoted(key);
}

function scalarText(node: ScalarNode): string {
  if (node.type === 'string') return stringText(node.value as string);
  if (node.type === 'float') return floatText(node.value as number, node.text);
  return node.type === 'int' ? intText(node.value as number, node.text) : String(node.value);
}

/** Leading zeros would make it octal in YAML 1.1. */
function intText(value: number, text: string): string {
  return /^-?(?:0|[1-9]\d*)$/.test(text) ? text : String(BigInt(value));
}

/** PyYAML reads a float only with a dot, and with a sign in its exponent: `1e-8` is text there, `1.0e-08` is what it writes. */
function floatText(value: number, text: string): string {
  if (Number.isNaN(value)) return '.nan';
  if (!Number.isFinite(value)) return value > 0 ? '.inf' : '-.inf';
  if (/^-?\d+\.\d+(?:e[+-]\d+)?$/i.test(text)) return text;
  const python = pythonFloat(value);
  return python.includes('.') ? python : python.replace('e', '.0e');
}

/** What YAML 1.1 as PyYAML and OmegaConf read it, YAML 1.2, or the override grammar would take for something else than text. */
const typedForms = [
  /^(?:|~|null|true|false|yes|no|on|off|y|n|=|<<)$/i,
  /^[-+]?(?:0b[01_]+|0x[\da-f_]+|0o?[\d_]+|[\d][\d_]*)$/i,
  /^[-+]?(?:[\d_]+\.?[\d_]*|\.[\d_]+)(?:e[-+]?[\d_]+)?$/i,
  /^[-+]?\.?(?:inf|nan)$/i,
  /^[-+]?\d[\d_]*(?::[0-5]?\d)+(?:\.[\d_]*)?$/,
  /^\d{4}-\d\d?-\d\d?(?:$|[Tt\s])/,
];

const looksTyped = (text: string) => typedForms.some((form) => form.test(text));

/** Also in quotes: breaks and what PyYAML calls unprintable, and what begins like a document's end. */
const needsEscape = /[^\x20-\x7e\u00a0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\u{10000}-\u{10ffff}]/u;

function stringText(value: string): string {
  if (looksTyped(value) || needsEscape.test(value) || /^(?:---|\.\.\.)/.test(value)) return quoted(value);
  return stringify(value, { lineWidth: 0 }).replace(/\n$/, '');
}

/** In double quotes, with everything escaped that is not printable in YAML 1.1. */
function quoted(value: string): string {
  return JSON.stringify(value).replace(
    /[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
