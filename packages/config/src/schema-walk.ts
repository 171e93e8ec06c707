import type { z } from 'zod';

/** The little of zod 4's definitions that is read here. */
interface Definition {
  type: string;
  shape?: Record<string, Schema>;
  innerType?: Schema;
  in?: Schema;
  element?: Schema;
  valueType?: Schema;
  options?: Schema[];
  entries?: Record<string, string | number>;
  values?: unknown[];
  defaultValue?: unknown;
  catchall?: Schema;
  format?: string;
  checks?: { _zod: { def: Check } }[];
}

interface Check {
  check: string;
  value: number;
  inclusive: boolean;
}

export type Schema = z.ZodType;

const definitionOf = (schema: Schema) => schema.def as unknown as Definition;

/** A schema without its wrappers, and what they said. */
export interface Unwrapped {
  schema: Schema;
  definition: Definition;
  isNullable: boolean;
  hasDefault: boolean;
  defaultValue: unknown;
  description: string | undefined;
}

export function unwrap(outer: Schema): Unwrapped {
  let [schema, isNullable, hasDefault, defaultValue, description] = [
    outer,
    false,
    false,
    undefined as unknown,
    outer.description,
  ];
  for (;;) {
    const definition = definitionOf(schema);
    const inner = definition.innerType ?? (definition.type === 'pipe' ? definition.in : undefined);
    if (inner === undefined) return { schema, definition, isNullable, hasDefault, defaultValue, description };
    isNullable ||= definition.type === 'nullable';
    if (!hasDefault && (definition.type === 'default' || definition.type === 'prefault')) {
      hasDefault = true;
      defaultValue = definition.defaultValue;
    }
    schema = inner;
    description ??= schema.description;
  }
}

/** The members of an object schema; empty for anything else. */
export function membersOf(schema: Schema): [string, Schema][] {
  return Object.entries(unwrap(schema).definition.shape ?? {});
}

/** The schema at a path; undefined when there is none. */
export function schemaAt(schema: Schema, path: readonly string[]): Schema | undefined {
  let here: Schema | undefined = schema;
  for (const key of path) {
    if (here === undefined) return undefined;
    const { definition } = unwrap(here);
    here = definition.shape?.[key] ?? definition.element ?? definition.valueType ?? definition.catchall;
    if (here?.def.type === 'never') here = undefined;
  }
  return here;
}

/** True when keys that the schema does not name are allowed under the schema. */
export function isOpen(schema: Schema): boolean {
  const { definition } = unwrap(schema);
  if (definition.type === 'record' || definition.type === 'any' || definition.type === 'unknown') return true;
  return definition.type === 'object' && definition.catchall !== undefined && definition.catchall.def.type !== 'never';
}

/** True when a key behind the first `present` ones of a path would name something new that has keys of its own, such as a phase. */
export function namesSomething(schema: Schema, path: readonly string[], present: number): boolean {
  return path.some((_, index) => {
    const parent = index < present ? undefined : schemaAt(schema, path.slice(0, index));
    const { valueType } = parent === undefined ? {} : unwrap(parent).definition;
    return valueType !== undefined && membersOf(valueType).length > 0;
  });
}

/** One key that people can set. */
export interface SchemaKey {
  path: string;
  type: string;
  description: string;
  schema: Schema;
}

/** Every leaf of a schema (lists and records count as leaves), in order. */
export function schemaKeys(schema: Schema, path: string[] = []): SchemaKey[] {
  const members = membersOf(schema);
  if (members.length > 0) return members.flatMap(([key, member]) => schemaKeys(member, [...path, key]));
  return [{ path: path.join('.'), type: typeText(schema), description: unwrap(schema).description ?? '', schema }];
}

/** A schema in the words of an error or a help text: `int ≥ 1`, `adamw | adam`, `string | null`. */
export function typeText(schema: Schema): string {
  const { definition, isNullable } = unwrap(schema);
  const text = plainTypeText(definition);
  return isNullable ? `${text} | null` : text;
}

function plainTypeText(definition: Definition): string {
  if (definition.type === 'enum') return Object.values(definition.entries ?? {}).join(' | ');
  if (definition.type === 'literal') return (definition.values ?? []).map(String).join(' | ');
  if (definition.type === 'union') return (definition.options ?? []).map(typeText).join(' | ');
  if (definition.type === 'array')
    return `list of ${definition.element === undefined ? 'values' : elementText(definition.element)}`;
  if (definition.type === 'object' || definition.type === 'record') return 'mapping';
  if (definition.type === 'boolean') return 'bool';
  if (definition.type === 'number') return numberText(definition);
  return definition.type;
}

function elementText(schema: Schema): string {
  const members = membersOf(schema);
  return members.length === 0 ? typeText(schema) : `{${members.map(([key]) => key).join(', ')}}`;
}

const comparisons: Record<string, [inclusive: string, exclusive: string]> = {
  greater_than: ['≥', '>'],
  less_than: ['≤', '<'],
};

function numberText({ format, checks = [] }: Definition): string {
  const bounds = checks.flatMap(({ _zod: { def } }) => {
    const signs = comparisons[def.check];
    return signs === undefined ? [] : [`${signs[def.inclusive ? 0 : 1]} ${def.value}`];
  });
  return [format === 'safeint' ? 'int' : 'number', ...bounds].join(' ');
}

/** True when the schema takes text and no number, so that `1.10` means "1.10". */
export function takesText(schema: Schema): boolean {
  const { definition } = unwrap(schema);
  if (definition.type === 'union') {
    const options = definition.options ?? [];
    return options.some(takesText) && !options.some((option) => unwrap(option).definition.type === 'number');
  }
  return definition.type === 'string';
}
