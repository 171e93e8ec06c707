import { nameKey } from '../errors/system-errors.ts';
import { asKnownError } from '../process/exit-codes.ts';
import { runProgram } from '../process/run-program.ts';
import { print } from '../process/terminal.ts';
import { completionFlag, completionOf } from './completion.ts';
import { type Arguments, type Option, type Options, parseOptions, type ValuesOf } from './options.ts';

/** A command that a table of options describes; those with config files are the config package's. */
export interface OptionCommand<T extends Options> extends Arguments {
  /** As users type it: `data:split`. */
  name: string;
  summary: string;
  options: T;
  /** More lines of the help. */
  notes?: string;
  /** Its number, if any, is the process's exit code. */
  main(values: ValuesOf<T>, operands: string[]): Promise<number | void>;
}

/**
 * Runs a command with `key=value` arguments: help, completion, clear complaints, exit codes as every command has them.
 *
 * @throws never; errors go to standard error
 */
export function runOptionCommand<T extends Options>(
  command: OptionCommand<T>,
  args: readonly string[] = process.argv.slice(2),
): Promise<void> {
  return runProgram(async () => {
    const completion = completionOf(command.name, args, ([word = '']) => optionCandidates(command, word));
    if (completion !== null) return print(completion);
    if (args.includes('--help') || args.includes('-h')) return print(helpText(command));
    const { values, operands } = parseOptions(command, args);
    try {
      return await command.main(values, operands);
    } catch (error) {
      throw nameKey(asKnownError(error), values);
    }
  });
}

/** What may stand where `word` is being typed. */
export function optionCandidates({ options }: { options: Options }, word: string): string[] {
  const [, dashes = '', key = '', value] = /^(--)?([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
  const isSwitch = (name: string) => dashes !== '' && typeof options[name]?.default === 'boolean';
  const keys = Object.keys(options).map((name) => (isSwitch(name) ? name : `${name}=`));
  const flags = word.startsWith('-') ? ['--help', completionFlag] : [];
  const found = value === undefined ? keys : valuesOf(options[key]).map((each) => `${key}=${each}`);
  return [...found.map((each) => `${dashes}${each}`), ...flags].filter((each) => each.startsWith(word));
}

function valuesOf(option: Option | undefined): readonly string[] {
  return option?.choices ?? (typeof option?.default === 'boolean' ? ['true', 'false'] : []);
}

function helpText<T extends Options>({ name, summary, options, operands, notes }: OptionCommand<T>): string {
  const lines = Object.entries(options).map(([key, { default: usual, help, choices }]) => {
    const given = `  ${key}=${usual}`.padEnd(30);
    return `${given} ${help}${choices ? ` (${choices.join(' | ')})` : ''}`;
  });
  const parts = [operands?.usage, lines.length > 0 ? '[key=value …]' : undefined].filter((part) => part !== undefined);
  const paragraphs = [`pnpm ${[name, ...parts].join(' ')}`, summary, lines.join('\n'), notes ?? ''];
  return `${paragraphs.filter((text) => text !== '').join('\n\n')}\n`;
}
