import { hideSecrets } from '@crosscheck/contract';

/** The only places where this package writes to the terminal. */
export function print(line: string): void {
  const text = hideSecrets(line);
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
}

export function printError(line: string): void {
  const text = hideSecrets(line);
  process.stderr.write(text.endsWith('\n') ? text : `${text}\n`);
}
