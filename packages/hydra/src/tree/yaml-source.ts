import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Pair,
  type ParsedNode,
  parseDocument,
  type Scalar,
} from 'yaml';
import { fail } from '../errors.ts';
import { type ConfigNode, emptyMap, type MapNode, type ScalarNode, stringNode } from './node.ts';

export interface YamlSource {
  root: ConfigNode;
  /** From a `# @package` comment at the top. */
  packageHeader: string | null;
  warnings: string[];
}

interface Reading {
  document: Document.Parsed;
  lines: LineCounter;
  file: string;
  warnings: string[];
}

/**
 * Reads one YAML 1.2 file into a config tree. `file` is the name that origins and messages carry.
 *
 * @throws BAD_YAML
 */
export function readYaml(text: string, file: string): YamlSource {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, version: '1.2' });
  const [error] = document.errors;
  if (error !== undefined) {
    const [first] = error.message.split('\n');
    fail('BAD_YAML', `${file}:${lines.linePos(error.pos[0]).line} is not valid YAML: ${first}`);
  }
  const reading: Reading = { document, lines, file, warnings: [] };
  const root = document.contents === null ? emptyMap(file) : convert(document.contents, reading);
  return { root, packageHeader: packageHeader(text), warnings: reading.warnings };
}

function convert(node: ParsedNode | Scalar, reading: Reading): ConfigNode {
  const origin = originOf(node, reading);
  if (isAlias(node)) {
    const target = node.resolve(reading.document) as ParsedNode | undefined;
    if (target === undefined) return fail('BAD_YAML', `${origin}: no anchor is named ${node.source}`);
    return convert(target, reading);
  }
  if (isMap(node)) return convertMap(node.items as Pair<ParsedNode, ParsedNode | null>[], reading, origin);
  if (isSeq(node))
    return { kind: 'list', items: node.items.map((item) => convert(item as ParsedNode, reading)), origin };
  if (isScalar(node)) return convertScalar(node, reading, origin);
  return fail('BAD_YAML', `${origin}: only mappings, lists and plain values can stand in a config`);
}

function convertMap(pairs: Pair<ParsedNode, ParsedNode | null>[], reading: Reading, origin: string): MapNode {
  const map = emptyMap(origin);
  for (const { key, value } of pairs) {
    if (!isScalar(key)) fail('BAD_YAML', `${origin}: keys must be plain values`);
    const name = String(key.source ?? key.value);
    const child = value === null ? nullNode(originOf(key, reading)) : convert(value, reading);
    if (name === '<<' && key.type === 'PLAIN') mergeInto(map, child);
    else map.entries.set(name, child);
  }
  return map;
}

/** YAML's merge key: what is there already stays. */
function mergeInto(map: MapNode, source: ConfigNode): void {
  const sources = source.kind === 'list' ? source.items : [source];
  for (const item of sources) {
    if (item.kind !== 'map') continue;
    for (const [key, value] of item.entries) if (!map.entries.has(key)) map.entries.set(key, value);
  }
}

function nullNode(origin: string): ScalarNode {
  return { kind: 'scalar', type: 'null', value: null, text: 'null', origin };
}

const yaml11Boolean = /^(?:yes|no|on|off|y|n)$/i;

function convertScalar(node: Scalar, reading: Reading, origin: string): ScalarNode {
  const { value } = node;
  const text = node.source ?? String(value);
  if (typeof value === 'string') {
    if (node.type === 'PLAIN' && yaml11Boolean.test(text)) reading.warnings.push(booleanWarning(text, origin));
    return stringNode(value, origin);
  }
  const base = { kind: 'scalar', text, origin } as const;
  if (value === null || value === undefined) return { ...base, type: 'null', value: null };
  if (typeof value === 'boolean') return { ...base, type: 'bool', value };
  if (typeof value === 'number') {
    const whole = /^[+-]?(?:\d+|0[xo][\da-f]+)$/i.test(text);
    return { ...base, type: whole ? 'int' : 'float', value };
  }
  return stringNode(text, origin);
}

function booleanWarning(text: string, origin: string): string {
  const meant = /^(?:yes|on|y)$/i.test(text) ? 'true' : 'false';
  return `${origin}: ${text} is the text "${text}" in YAML 1.2; write ${meant}, or "${text}" in quotes to silence this`;
}

function originOf(node: { range?: [number, number, number] | null | undefined }, reading: Reading): string {
  const offset = node.range?.[0];
  return offset === undefined ? reading.file : `${reading.file}:${reading.lines.linePos(offset).line}`;
}

/** The package of a `# @package NAME` line among the comments that open the file. */
function packageHeader(text: string): string | null {
  for (const line of text.slice(0, 512).split('\n')) {
    if (line.trim() !== '' && !line.trimStart().startsWith('#')) return null;
    const found = /^\s*#\s*@package\s+(\S+)\s*$/.exec(line);
    if (found?.[1] !== undefined) return found[1];
  }
  return null;
}
