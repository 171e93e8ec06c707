import { type ComposeConfigOptions, composeOnly } from '../compose-config.ts';
import type { Composition } from '../hydra/compose.ts';
import { type ConfigNode, nodeAt } from '../hydra/node.ts';
import { formatElement } from '../hydra/override-format.ts';
import { type SchemaKey, schemaKeys, unwrap } from '../schema-walk.ts';
import { type Flag, flags } from './arguments.ts';
import type { Command } from './command.ts';
import { print } from './output.ts';

/** `--help`: what it does, the groups with their options, every key with type, value and meaning, the flags. */
export function printHelp<C>(command: Command<C>, options: ComposeConfigOptions<C>): boolean {
  const composition = composeOnly(options, 'multirun');
  print(
    [
      `${command.name}: ${command.summary}`,
      '',
      `usage: pnpm ${command.name} [key=value …] [group=option …] [flags]`,
      '',
      ...groupLines(composition),
      ...keyLines(command, composition),
      ...flagLines(),
      'docs/configuration.md explains overrides, sweeps and how configs are put together.',
    ].join('\n'),
  );
  return true;
}

function groupLines({ searchPath, choices }: Composition): string[] {
  const groups = searchPath.allGroups().filter((group) => group in choices);
  if (groups.length === 0) return [];
  const rows = groups.map((group) => [group, searchPath.options(group).join(', '), `now ${String(choices[group])}`]);
  return ['groups (group=option)', ...table(rows), ''];
}

function keyLines<C>(command: Command<C>, composition: Composition): string[] {
  const sections = new Map<string, string[][]>();
  for (const key of schemaKeys(command.schema)) {
    const section = key.path.split('.')[0] as string;
    const type = key.type.startsWith('list of') ? 'list' : key.type;
    const row = [key.path, type, valueText(key, composition), key.description];
    sections.set(section, [...(sections.get(section) ?? []), row]);
  }
  const lines = [...sections].flatMap(([section, rows]) => [`${section}.*`, ...table(rows), '']);
  return ['keys (key=value): name, type, value now, meaning', '', ...lines];
}

/** The composed value as it would be typed; the schema's default where no file has the key. */
function valueText({ path, schema }: SchemaKey, { config }: Composition): string {
  const node: ConfigNode | undefined = nodeAt(config, path.split('.'));
  if (node === undefined) {
    const { hasDefault, defaultValue } = unwrap(schema);
    return hasDefault ? JSON.stringify(defaultValue) : '';
  }
  if (node.kind === 'list' && node.items.length > 2) return `[${node.items.length} rows]`;
  return node.kind === 'scalar' && node.type === 'string' ? String(node.value) : formatElement(node, 'written');
}

function flagLines(): string[] {
  const rows = Object.values(flags as Record<string, Flag>).map((flag) => {
    const names = flag.short === undefined ? flag.name : `${flag.name}, ${flag.short}`;
    return [flag.value === undefined ? names : `${names} ${flag.value}`, flag.description];
  });
  return ['flags', ...table(rows), ''];
}

/** Rows with aligned columns; a very long cell does not push the others away. */
function table(rows: string[][]): string[] {
  const widest = 44;
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => Math.min(row[column]?.length ?? 0, widest))),
  );
  return rows.map((row) =>
    `  ${row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0))).join('  ')}`.trimEnd(),
  );
}
