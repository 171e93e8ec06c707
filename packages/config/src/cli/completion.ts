import { answerCompletion, print } from '@crosscheck/contract';
import { type ComposeConfigOptions, composeOnly } from '../compose-config.ts';
import { schemaAt, schemaKeys, unwrap } from '../schema-walk.ts';
import { flags, type Invocation } from './arguments.ts';
import type { Command } from './command.ts';

/** `--shell-completion install=SHELL` prints the script; `query=SHELL -- words…` prints what may follow. */
export function complete<C>(command: Command<C>, invocation: Invocation, options: ComposeConfigOptions<C>): void {
  const { flags: given, words } = invocation;
  print(answerCompletion(command.name, given.completion ?? '', () => candidates(command, words, options)));
}

/** What may stand where the last of `words` is being typed. */
export function candidates<C>(command: Command<C>, words: string[], options: ComposeConfigOptions<C>): string[] {
  const word = words.at(-1) ?? '';
  if (word.startsWith('-'))
    return Object.values(flags)
      .map((flag) => flag.name as string)
      .filter((name) => name.startsWith(word));
  const prefix = /^(?:\+\+|\+|~)?/.exec(word)?.[0] ?? '';
  const bare = word.slice(prefix.length);
  const equal = bare.indexOf('=');
  const found = equal < 0 ? keyCandidates(command, bare, options) : valueCandidates(command, bare, options);
  return found.filter((candidate) => candidate.startsWith(bare)).map((candidate) => `${prefix}${candidate}`);
}

/** Groups, and config keys up to their next dot. */
function keyCandidates<C>(command: Command<C>, bare: string, options: ComposeConfigOptions<C>): string[] {
  const { searchPath } = composeOnly({ ...options, overrides: [] }, 'multirun');
  const groups = searchPath.allGroups({ hydra: bare.startsWith('hydra') }).map((group) => `${group}=`);
  const keys = schemaKeys(command.schema).map(({ path }) => nextPart(path, bare));
  return [...new Set([...groups, ...keys])].sort();
}

function nextPart(path: string, typed: string): string {
  const dot = path.indexOf('.', typed.length);
  return dot < 0 || !path.startsWith(typed) ? `${path}=` : path.slice(0, dot + 1);
}

/** Options of a group, or the values of a key that has only a few. */
function valueCandidates<C>(command: Command<C>, bare: string, options: ComposeConfigOptions<C>): string[] {
  const key = bare.slice(0, bare.indexOf('='));
  const { searchPath } = composeOnly({ ...options, overrides: [] }, 'multirun');
  const values = searchPath.isGroup(key) ? searchPath.options(key) : fixedValues(command, key);
  return values.map((value) => `${key}=${value}`);
}

function fixedValues<C>(command: Command<C>, key: string): string[] {
  const schema = schemaAt(command.schema, key.split('.'));
  if (schema === undefined) return [];
  const { definition, isNullable } = unwrap(schema);
  const values =
    definition.type === 'boolean' ? ['true', 'false'] : Object.values(definition.entries ?? {}).map(String);
  return isNullable ? [...values, 'null'] : values;
}
