import { asKnownError, CrosscheckError, nameKey, print, runProgram } from '@crosscheck/contract';
import { nearest } from '@crosscheck/posts';

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

type Widen<T> = T extends boolean ? boolean : T extends number ? number : T extends null ? string | null : string;

/** The values that a table of options yields. */
export type ValuesOf<T extends Record<string, Option>> = { [K in keyof T]: Widen<T[K]['default']> };

export interface DataCommand<T extends Record<string, Option>> {
  /** As users type it: `data:split`. */
  name: string;
  summary: string;
  options: T;
  /** Its number, if any, is the process's exit code. */
  main(values: ValuesOf<T>): Promise<number | void>;
}

/**
 * Runs a command with `key=value` arguments: help, clear complaints, exit codes as every command has them.
 *
 * @throws never; errors go to standard error
 */
export function runDataCommand<T extends Record<string, Option>>(
  command: DataCommand<T>,
  args: readonly string[] = process.argv.slice(2),
): Promise<void> {
  return runProgram(async () => {
    if (args.includes('--help') || args.includes('-h')) return print(helpText(command));
    const values = parseArguments(command, args);
    try {
      return await command.main(values);
    } catch (error) {
      throw nameKey(asKnownError(error), values);
    }
  });
}

/**
 * Reads `key=value` arguments; `--key=value` means the same, and `--key` alone sets a switch.
 *
 * @throws CROSSCHECK_DATA_BAD_OPTION
 */
export function parseArguments<T extends Record<string, Option>>(
  { options }: Pick<DataCommand<T>, 'options'>,
  args: readonly string[],
): ValuesOf<T> {
  const values: Record<string, string | number | boolean | null> = {};
  for (const [key, option] of Object.entries(options)) values[key] = option.default;
  for (const arg of args.filter((given) => given !== '--')) {
    const { key, value } = splitArgument(arg, options);
    const option = options[key];
    if (option === undefined) throw unknownKey(arg, key, Object.keys(options));
    values[key] = parseValue(arg, value, option);
  }
  return values as ValuesOf<T>;
}

function splitArgument(arg: string, options: Record<string, Option>): { key: string; value: string } {
  const [, dashes = '', key = '', value] = /^(--)?([^=]*)(?:=(.*))?$/s.exec(arg) ?? [];
  const name = dashes ? key.replaceAll('-', '_') : key;
  if (value === undefined) return { key: name, value: typeof options[name]?.default === 'boolean' ? 'true' : '' };
  return { key: name, value };
}

function parseValue(arg: string, value: string, option: Option): string | number | boolean | null {
  if (option.choices && !option.choices.includes(value)) {
    const near = nearest(value, option.choices);
    throw badOption(
      `expected one of ${option.choices.join(', ')}, got "${arg}"${near ? `; did you mean ${near}?` : ''}`,
    );
  }
  if (typeof option.default === 'boolean') return parseSwitch(arg, value);
  if (typeof option.default === 'number') return parseNumber(arg, value, option);
  if (value === 'null' && option.default === null) return null;
  if (value === '') throw badOption(`expected key=value, got "${arg}" without a value`);
  return value;
}

function parseSwitch(arg: string, value: string): boolean {
  if (value === 'true' || value === 'false') return value === 'true';
  throw badOption(`expected true or false, got "${arg}"`);
}

function parseNumber(arg: string, value: string, { default: usual, min = 0, isFraction = false }: Option): number {
  const number = value.trim() === '' ? Number.NaN : Number(value);
  const isWhole = Number.isInteger(usual) && !isFraction;
  if (Number.isFinite(number) && number >= min && (!isWhole || Number.isInteger(number))) return number;
  const key = arg.replace(/^--|=.*$/gs, '');
  throw badOption(
    `expected a number, got "${arg}" (${key} takes a ${isWhole ? 'whole ' : ''}number of at least ${min})`,
  );
}

function unknownKey(arg: string, key: string, keys: string[]): CrosscheckError {
  const near = nearest(key || arg, keys);
  return badOption(
    `expected key=value with one of ${keys.join(', ')}, got "${arg}"${near ? `; did you mean ${near}=…?` : ''}`,
  );
}

export function badOption(message: string): CrosscheckError {
  return new CrosscheckError('CROSSCHECK_DATA_BAD_OPTION', message);
}

function helpText<T extends Record<string, Option>>({ name, summary, options }: DataCommand<T>): string {
  const lines = Object.entries(options).map(([key, { default: usual, help, choices }]) => {
    const given = `  ${key}=${usual}`.padEnd(30);
    return `${given} ${help}${choices ? ` (${choices.join(' | ')})` : ''}`;
  });
  return `pnpm ${name} [key=value …]\n\n${summary}\n\n${lines.join('\n')}\n`;
}
