import { print } from '@crosscheck/contract';
import { type Composition, type ConfigNode, formatElement, nodeAt } from '@crosscheck/hydra';
import { type ComposeConfigOptions, composeOnly } from '../compose-config.ts';
import { hideInComposition } from '../hide.ts';
import { type SchemaKey, schemaKeys, unwrap } from '../schema-walk.ts';
import { type Flag, flags } from './arguments.ts';
import type { Command } from './command.ts';
import { formatTable, wrap } from './table.ts';

/** `--help`: what it does, the groups with their options, every key with type, value and meaning, the flags. */
export function printHelp<C>(command: Command<C>, options: ComposeConfigOptions<C>): boolean {
  const composition = composeOnly(options, 'multirun');
  // Whoever reads it through a pipe gets one line for each key.
  const width = process.stdout.isTTY ? process.stdout.columns : Number.POSITIVE_INFINITY;
  print(helpLines(command, composition, width).join('\n'));
  return true;
}

/** In lines of at most `width` characters. */
export function helpLines<C>(command: Command<C>, composition: Composition, width: number): string[] {
  return [
    ...wrap(`${command.name}: ${command.summary}`, { width }),
    '',
    `usage: pnpm ${command.name} [key=value …] [group=option …] [flags]`,
    '',
    ...groupLines(composition, width),
    ...keyLines(command, { ...composition, ...hideInComposition(composition) }, width),
    'flags',
    ...formatTable(flagRows(), width),
    '',
    ...wrap('docs/configuration.md explains overrides, sweeps and how configs are put together.', { width }),
  ];
}

function groupLines({ searchPath, choices }: Composition, width: number): string[] {
  const groups = searchPath.allGroups().filter((group) => group in choices);
  if (groups.length === 0) return [];
  const rows = groups.map((group) => [group, searchPath.options(group).join(', '), `now ${String(choices[group])}`]);
  return ['groups (group=option)', ...formatTable(rows, width), ''];
}

function keyLines<C>(command: Command<C>, composition: Composition, width: number): string[] {
  const sections = new Map<string, string[][]>();
  for (const key of schemaKeys(command.schema)) {
    const section = key.path.split('.')[0] as string;
    const type = key.type.startsWith('list of') ? 'list' : key.type;
    const row = [key.path, type, valueText(key, composition), key.description];
    sections.set(section, [...(sections.get(section) ?? []), row]);
  }
  const lines = [...sections].flatMap(([section, rows]) => [`${section}.*`, ...formatTable(rows, width), '']);
  return ['keys (key=value): name, type, value now, meaning', '', ...lines];
}

/** The composed value as it would be typed; the schema's default where no file has the key. */
function valueText({ path, schema }: SchemaKey, { config }: Composition): string {
  const node: ConfigNode | undefined = nodeAt(config, path.split('.'));
  if (node === undefined) {
    const { hasDefault, defaultValue } = unwrap(schema);
    return hasDefault ? JSON.stringify(defaultValue) : '';
  }
  if (node.kind === 'map') return `{${[...node.entries.keys()].join(', ')}}`;
  if (node.kind === 'list' && node.items.length > 2) return `[${node.items.length} rows]`;
  return node.kind === 'scalar' && node.type === 'string' ? String(node.value) : formatElement(node, 'written');
}

function flagRows(): string[][] {
  return Object.values(flags as Record<string, Flag>).map((flag) => {
    const names = flag.short === undefined ? flag.name : `${flag.name}, ${flag.short}`;
    return [flag.value === undefined ? names : `${names} ${flag.value}`, flag.description];
  });
}
