import { parseArgs } from 'node:util';

/** Options by name with their defaults: a text, null where there is none, a boolean for a switch. */
type Defaults = Record<string, string | boolean | null>;

type Values<T extends Defaults> = {
  [K in keyof T]: T[K] extends boolean ? boolean : T[K] extends null ? string | null : string;
};

/** Reads `--name value` and `--switch` (`--no-switch` for one that is on); `--help` prints the help and ends the program. */
export function readCommandLine<T extends Defaults>(help: string, defaults: T): Values<T> {
  const options = Object.fromEntries(
    Object.entries(defaults).map(([name, usual]) => [
      name,
      { type: typeof usual === 'boolean' ? 'boolean' : 'string', ...(usual !== null && { default: usual }) } as const,
    ]),
  );
  const { help: isHelpWanted, ...values } = parseArgs({
    allowNegative: Object.values(defaults).includes(true),
    options: { ...options, help: { type: 'boolean', default: false } },
  }).values;
  if (isHelpWanted) {
    process.stdout.write(help);
    process.exit(0);
  }
  return { ...defaults, ...values } as Values<T>;
}
