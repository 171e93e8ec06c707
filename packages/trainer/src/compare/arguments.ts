import { existsSync } from 'node:fs';

/** `key=value`, with the prefixes that Hydra has. A folder that is there is a folder, whatever its name looks like. */
const isOverride = (text: string) => /^[+~]{0,2}[\w.@/]+=/.test(text) && !existsSync(text);

/** Text as a value of Hydra's grammar, whatever is in it. */
const quoted = (text: string) =>
  `'${text
    .replaceAll(/\\(?=\\*'|$)/g, '\\\\')
    .replaceAll("'", "\\'")
    .replaceAll('${', '\\${')}'`;

/**
 * The command line of `compare` with the folders that stand alone in it as `compare.runs=[…]`; flags, their values and overrides stay.
 *
 * @param valueFlags flags that take the word after them
 */
export function namedRuns(argv: readonly string[], valueFlags: ReadonlySet<string>): string[] {
  const [folders, rest]: [string[], string[]] = [[], []];
  argv.forEach((word, i) => {
    const isValue = valueFlags.has(argv[i - 1] ?? '');
    const isFolder = !isValue && !word.startsWith('-') && !isOverride(word);
    (isFolder ? folders : rest).push(word);
  });
  if (folders.length === 0 || rest.some((word) => word.startsWith('--shell-completion'))) return [...argv];
  return [...rest, `compare.runs=[${folders.map(quoted).join(',')}]`];
}
