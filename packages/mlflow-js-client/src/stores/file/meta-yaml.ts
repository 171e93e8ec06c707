import { readFile, writeFile } from 'node:fs/promises';
import { MlflowError } from '../../errors.ts';
import { replaceFile } from '../../transfers.ts';

/** A value of MLflow's `meta.yaml` files: flat, with small maps for tags and aliases. */
type MetaValue = string | number | boolean | null | readonly never[] | Readonly<Record<string, string>>;
export type Meta = Record<string, MetaValue>;
type TextMap = Readonly<Record<string, string>>;

/** JSON is YAML but for a few characters that PyYAML takes for line breaks or refuses. */
export function toYamlFlow(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Writes a `meta.yaml`; readers see the old one or the new one. */
export async function writeMeta(path: string, meta: Readonly<Meta>): Promise<void> {
  const lines = Object.entries(meta).map(([key, value]) => `${key}: ${toYamlFlow(value)}\n`);
  await replaceFile(path, (partial) => writeFile(partial, lines.join('')));
}

export async function readMeta(path: string): Promise<Meta> {
  return parseMeta(await readFile(path, 'utf8'), path);
}

/** The text under a key; numbers as text, anything else as the fallback. */
export function textOf(meta: Meta, key: string, fallback: string = ''): string {
  const value = meta[key];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : fallback;
}

/** The map under a key; empty when there is none. */
export function mapOf(meta: Meta, key: string): Record<string, string> {
  const value = meta[key];
  return isMap(value) ? { ...value } : {};
}

function isMap(value: MetaValue | undefined): value is TextMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Reads what this package and Python's `yaml.dump` write into these files: scalars, folded text, one level of map. */
export function parseMeta(text: string, path: string): Meta {
  const meta: Meta = Object.create(null); // a key may have any name
  for (const entry of splitEntries(text)) {
    const match = /^([\w.-]+):(?: +|(?=\n|$))([\s\S]*)$/.exec(entry);
    if (match === null)
      throw new MlflowError('INVALID_STATE', `cannot read ${path}: "${entry.slice(0, 80)}" is not key: value`);
    meta[match[1] ?? ''] = readValue(match[2] ?? '', { entry, path });
  }
  return meta;
}

function readValue(text: string, { entry, path }: { entry: string; path: string }): MetaValue {
  try {
    return parseValue(text);
  } catch (cause) {
    throw new MlflowError('INVALID_STATE', `cannot read ${path}: "${entry.slice(0, 80)}" has a broken text`, { cause });
  }
}

/** An entry begins at the margin; indented lines go on with it. */
function splitEntries(text: string): string[] {
  const entries: string[] = [];
  for (const line of text.split(/\r?\n/)) {
    if (line.trim() === '' || line.startsWith('#') || line === '---') continue;
    if (/^[\s-]/.test(line) && entries.length > 0) entries[entries.length - 1] += `\n${line}`;
    else entries.push(line);
  }
  return entries;
}

function parseValue(text: string): MetaValue {
  if (/^\n\s+[\w.-]+:\s/.test(text)) return parseMap(text);
  const folded = text.replaceAll(/\s*\n\s*/g, ' ').trim();
  if (folded === '[]') return [];
  return folded.startsWith('{') ? parseFlowMap(folded) : parseScalar(folded);
}

function parseMap(text: string): Record<string, string> {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const entries = lines.map((line) => {
    const [, key = '', value = ''] = /^\s*([^:]+):\s*(.*)$/.exec(line) ?? [];
    return [key, String(parseScalar(value) ?? '')] as const;
  });
  return Object.fromEntries(entries);
}

function parseFlowMap(text: string): Record<string, string> {
  try {
    return JSON.parse(text) as Record<string, string>;
  } catch {
    return {};
  }
}

const PLAIN_VALUES: Readonly<Record<string, boolean | null>> = {
  '': null,
  '~': null,
  null: null,
  true: true,
  false: false,
};

function parseScalar(text: string): string | number | boolean | null {
  if (Object.hasOwn(PLAIN_VALUES, text)) return PLAIN_VALUES[text] as boolean | null;
  if (text.startsWith("'")) return text.slice(1, -1).replaceAll("''", "'");
  if (text.startsWith('"')) return JSON.parse(text) as string;
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}
