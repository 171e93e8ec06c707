import path from 'node:path';
import { nearest } from '@crosscheck/hydra';
import { fail } from '../problems.ts';

/** A command line, taken apart. */
export interface Invocation {
  overrides: string[];
  flags: Partial<Record<FlagName, string>>;
  /** What stands after `--` in a completion query. */
  words: string[];
}

export interface Flag {
  name: string;
  short?: string;
  /** Name of the value; none for a switch. */
  value?: string;
  choices?: string[];
  description: string;
}

export const flags = {
  help: { name: '--help', short: '-h', description: 'this text' },
  version: { name: '--version', description: 'print the version' },
  cfg: {
    name: '--cfg',
    short: '-c',
    value: 'PART',
    choices: ['job', 'hydra', 'all'],
    description: 'print the composed config: job, hydra or all',
  },
  resolve: { name: '--resolve', description: 'with --cfg: replace interpolations' },
  package: {
    name: '--package',
    short: '-p',
    value: 'KEY',
    description: 'with --cfg: only this part, as in model.text',
  },
  multirun: { name: '--multirun', short: '-m', description: 'run one job for each combination of a=1,2 b=range(3)' },
  run: { name: '--run', short: '-r', description: 'run one job (the usual)' },
  configName: { name: '--config-name', short: '-cn', value: 'NAME', description: 'another primary config' },
  configPath: { name: '--config-path', short: '-cp', value: 'DIR', description: 'configs are in this folder' },
  configDir: { name: '--config-dir', short: '-cd', value: 'DIR', description: 'look for configs here too' },
  info: {
    name: '--info',
    short: '-i',
    value: 'WHAT',
    choices: ['all', 'defaults', 'searchpath'],
    description: 'print how the config is put together: all, defaults or searchpath',
  },
  completion: {
    name: '--shell-completion',
    short: '-sc',
    value: 'install=SHELL',
    description: 'print a completion script for bash, zsh or fish',
  },
} as const satisfies Record<string, Flag>;

type FlagName = keyof typeof flags;

const table: [FlagName, Flag][] = Object.entries(flags) as [FlagName, Flag][];

/**
 * Splits a command line into flags and overrides. Flags may stand anywhere and take `--flag value` or `--flag=value`.
 *
 * @throws CROSSCHECK_CLI_FLAG
 */
export function parseArguments(argv: readonly string[]): Invocation {
  const invocation: Invocation = { overrides: [], flags: {}, words: [] };
  const rest = [...argv];
  for (let next = rest.shift(); next !== undefined; next = rest.shift()) {
    if (next === '--') {
      if (invocation.flags.completion !== undefined) {
        invocation.words = rest;
        return invocation;
      }
    } else if (!next.startsWith('-')) invocation.overrides.push(next);
    else takeFlag(next, rest, invocation);
  }
  return invocation;
}

function takeFlag(text: string, rest: string[], invocation: Invocation): void {
  const equal = text.indexOf('=');
  const name = equal < 0 ? text : text.slice(0, equal);
  const found = table.find(([, flag]) => flag.name === name || flag.short === name);
  if (found === undefined) return unknownFlag(name);
  const [key, flag] = found;
  if (flag.value === undefined) {
    if (equal >= 0) fail('CROSSCHECK_CLI_FLAG', `${name} takes no value, got ${text}`);
    invocation.flags[key] = '';
    return;
  }
  const value = equal >= 0 ? text.slice(equal + 1) : followingValue(key, rest);
  if (value === undefined) fail('CROSSCHECK_CLI_FLAG', `${name} needs a value: ${name} ${flag.value}`);
  if (flag.choices !== undefined && !flag.choices.includes(value)) {
    fail('CROSSCHECK_CLI_FLAG', `${name} takes ${flag.choices.join(', ')}, got ${value}`);
  }
  invocation.flags[key] = value;
}

/** `--info` alone means all of it; every other value must be given. */
function followingValue(key: FlagName, rest: string[]): string | undefined {
  const isThere = rest[0] !== undefined && !rest[0].startsWith('-') && (key !== 'info' || !rest[0].includes('='));
  if (isThere) return rest.shift();
  return key === 'info' ? 'all' : undefined;
}

function unknownFlag(name: string): never {
  const known = table.map(([, flag]) => flag.name);
  const near = nearest(name, known);
  return fail(
    'CROSSCHECK_CLI_FLAG',
    `unknown flag ${name}${near === undefined ? '' : `; did you mean ${near}?`}; flags: ${known.join(', ')}; config keys are set with key=value`,
  );
}

/** The folders that the flags name. */
export function foldersOf({ flags: given }: Invocation): { configDir?: string; extraDirs: string[] } {
  const extraDirs = given.configDir === undefined ? [] : [path.resolve(given.configDir)];
  return given.configPath === undefined ? { extraDirs } : { configDir: path.resolve(given.configPath), extraDirs };
}
