/** A word as a POSIX shell takes it. */
function quoteForShell(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

/** A command with its arguments, ready to be pasted into a shell: `pnpm evaluate 'data.root_dir=my posts'`. */
export function commandLine(command: string, args: readonly string[]): string {
  return ['pnpm', command, ...args.map(quoteForShell)].join(' ');
}

/** The lines with which a command says how to go on. */
export function describeNext(commands: readonly string[]): string[] {
  return commands.length === 0 ? [] : ['Next:', ...commands.map((command) => `  ${command}`)];
}
