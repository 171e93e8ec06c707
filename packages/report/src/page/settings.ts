import { html, type Section, table } from './html.ts';

/** Nested config → dotted keys, in the config's own order. Lists of plain values stay on one line. */
function flatten(value: unknown, prefix = ''): [key: string, value: string][] {
  if (Array.isArray(value) && value.every((item) => item === null || typeof item !== 'object')) {
    return [[prefix, `[${value.join(', ')}]`]];
  }
  if (value === null || typeof value !== 'object') return [[prefix, String(value)]];
  const entries = Object.entries(value);
  if (entries.length === 0) return [[prefix, Array.isArray(value) ? '[]' : '{}']];
  return entries.flatMap(([key, child]) => flatten(child, prefix === '' ? key : `${prefix}.${key}`));
}

/** A config, with where each value came from when that is known. */
export function configSection(
  config: unknown,
  origins: Readonly<Record<string, string>> = {},
  { id, heading }: Pick<Section, 'id' | 'heading'> = { id: 'config', heading: 'Configuration' },
): Section {
  const rows = flatten(config);
  const origin = rows.some(([key]) => origins[key] !== undefined)
    ? [{ heading: 'set by', cell: ([key]: [string, string]) => origins[key] ?? 'default' }]
    : [];
  return {
    id,
    heading,
    body: html`<details><summary>${rows.length} settings</summary>${table(
      heading,
      [
        { heading: 'key', cell: ([key]: [string, string]) => html`<code>${key}</code>` },
        { heading: 'value', cell: ([, value]) => html`<code>${value}</code>` },
        ...origin,
      ],
      rows,
    )}</details>`,
  };
}

export const environmentSection = (environment: Readonly<Record<string, string>>): Section =>
  factSection(environment, { id: 'environment', heading: 'Environment', caption: 'Code and machine' });

/** What a model says of itself. */
export const modelSection = (model: Readonly<Record<string, string>>): Section =>
  factSection(model, { id: 'model', heading: 'The model', caption: 'By its own word' });

export function factSection(
  facts: Readonly<Record<string, string>>,
  { id, heading, caption }: { id: string; heading: string; caption: string },
): Section {
  return {
    id,
    heading,
    body: table(
      caption,
      [
        { heading: 'what', cell: ([name]: [string, string]) => name },
        { heading: 'value', cell: ([, value]) => value },
      ],
      Object.entries(facts),
    ),
  };
}
