import { CrosscheckError } from '../errors/errors.ts';
import type { ErrorCode } from '../errors/table.ts';
import { nearest } from './nearest.ts';

/** One `key=value` of a command. The default's type is the value's; `null` is a text that may be left out. */
export interface Option {
  default: string | number | boolean | null;
  help: string;
  /** The only values allowed. */
  choices?: readonly string[];
  /** Smallest number allowed. @default 0 */
  min?: number;
  /** Whether the number need not be whole, even though the default is. */
  isFraction?: boolean;
}

export type Options = Record<string, Option>;

type Widen<T> = T extends boolean ? boolean : T extends number ? number : T extends null ? string | null : string;

/** The values that a table of options yields. */
export type ValuesOf<T extends Options> = { [K in keyof T]: Widen<T[K]['default']> };

/** Words beside the options, such as files. */
export interface Operands {
  /** As the help shows them: `SOURCE FOLDER`. */
  usage: string;
  min: number;
  max: number;
}

export interface Arguments {
  options: Options;
  operands?: Operands;
  /** Of what was typed wrong. @default CROSSCHECK_CLI_FLAG */
  code?: ErrorCode;
}

export interface Parsed<T extends Options> {
  values: ValuesOf<T>;
  operands: string[];
}

/**
 * Reads `key=value` arguments; `--key=value` and `--key value` mean the same, and `--key` alone sets a switch. A dash in a key is an underscore.
 *
 * @throws CrosscheckError with the command's code
 */
export function parseOptions<T extends Options>(
  command: Arguments & { options: T },
  args: readonly string[],
): Parsed<T> {
  const { options } = command;
  const values: Record<string, string | number | boolean | null> = {};
  for (const [key, option] of Object.entries(options)) values[key] = option.default;
  const operands: string[] = [];
  const rest = args.filter((given) => given !== '--');
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    const { key, value } = splitArgument(arg, rest, options);
    const option = Object.hasOwn(options, key) ? options[key] : undefined;
    if (option !== undefined && (value !== null || arg.startsWith('--'))) {
      values[key] = parseValue(command, { arg, value: value ?? '' }, option);
    } else if (command.operands !== undefined && isOperand(arg)) operands.push(arg);
    else throw unknownKey(command, arg, key);
  }
  requireOperands(command, operands);
  return { values: values as ValuesOf<T>, operands };
}

const isOperand = (arg: string) => !/^-|^\w+=/.test(arg);

function splitArgument(arg: string, rest: string[], options: Options): { key: string; value: string | null } {
  const [, dashes = '', key = '', value] = /^(--)?([^=]*)(?:=(.*))?$/s.exec(arg) ?? [];
  const name = dashes ? key.replaceAll('-', '_') : key;
  if (value !== undefined || dashes === '' || !Object.hasOwn(options, name)) return { key: name, value: value ?? null };
  if (typeof options[name]?.default === 'boolean') return { key: name, value: 'true' };
  const isGiven = rest[0] !== undefined && !rest[0].startsWith('--');
  return { key: name, value: isGiven ? (rest.shift() as string) : null };
}

interface Typed {
  arg: string;
  value: string;
}

function parseValue(command: Arguments, typed: Typed, option: Option): string | number | boolean | null {
  const { arg, value } = typed;
  const { choices } = option;
  if (choices && !choices.includes(value)) {
    const near = nearest(value, choices);
    throw badOption(
      command,
      `expected one of ${choices.join(', ')}, got "${arg}"${near ? `; did you mean ${near}?` : ''}`,
    );
  }
  if (typeof option.default === 'boolean') return parseSwitch(command, typed);
  if (typeof option.default === 'number') return parseNumber(command, typed, option);
  if (value === 'null' && option.default === null) return null;
  if (value === '') throw badOption(command, `expected key=value, got "${arg}" without a value`);
  return value;
}

function parseSwitch(command: Arguments, { arg, value }: Typed): boolean {
  if (value === 'true' || value === 'false') return value === 'true';
  throw badOption(command, `expected true or false, got "${arg}"`);
}

function parseNumber(command: Arguments, { arg, value }: Typed, option: Option): number {
  const { default: usual, min = 0, isFraction = false } = option;
  const number = value.trim() === '' ? Number.NaN : Number(value);
  const isWhole = Number.isInteger(usual) && !isFraction;
  if (Number.isFinite(number) && number >= min && (!isWhole || Number.isInteger(number))) return number;
  const key = arg.replace(/^--|=.*$/gs, '');
  const range = `a ${isWhole ? 'whole ' : ''}number of at least ${min}`;
  throw badOption(command, `expected a number, got "${arg}" (${key} takes ${range})`);
}

function unknownKey(command: Arguments, arg: string, key: string): CrosscheckError {
  const keys = Object.keys(command.options);
  const near = nearest(key || arg, keys);
  const beside = command.operands ? `${command.operands.usage}, or ` : '';
  const known = keys.length === 0 ? 'nothing else' : `key=value with one of ${keys.join(', ')}`;
  const hint = near ? `; did you mean ${near}=…?` : '; --help lists what there is';
  return badOption(command, `expected ${beside}${known}, got "${arg}"${hint}`);
}

function requireOperands(command: Arguments, given: readonly string[]): void {
  const { usage = '', min = 0, max = 0 } = command.operands ?? {};
  if (given.length >= min && given.length <= max) return;
  throw badOption(
    command,
    `expected ${usage}, got ${given.length === 0 ? 'nothing' : given.join(' ')}; --help says more`,
  );
}

function badOption({ code = 'CROSSCHECK_CLI_FLAG' }: Arguments, message: string): CrosscheckError {
  return new CrosscheckError(code, message);
}
