import { CrosscheckError } from '../errors/errors.ts';
import { completionScript } from './completion-script.ts';

export const completionFlag = '--shell-completion';
const shortFlag = '-sc';

/**
 * The answer to `--shell-completion install=SHELL` (the script that a shell evaluates) or `query=SHELL -- words…` (what may follow); null when the
 * arguments ask for neither.
 *
 * @throws CROSSCHECK_CLI_FLAG
 */
export function completionOf(
  name: string,
  args: readonly string[],
  candidates: (words: readonly string[]) => readonly string[],
): string | null {
  const at = args.findIndex((arg) => arg.split('=')[0] === completionFlag || arg === shortFlag);
  const end = args.indexOf('--');
  if (at < 0 || (end >= 0 && end < at)) return null;
  const arg = args[at] as string;
  const asked = arg.includes('=') ? arg.slice(arg.indexOf('=') + 1) : (args[at + 1] ?? '');
  return answerCompletion(name, asked, () => candidates(end < 0 ? [] : args.slice(end + 1)));
}

/** @throws CROSSCHECK_CLI_FLAG */
export function answerCompletion(name: string, asked: string, candidates: () => readonly string[]): string {
  const [action, shell = ''] = asked.split('=');
  if (action === 'install') return completionScript(shell, name);
  if (action === 'query') return candidates().join('\n');
  const message = `${completionFlag} takes install=bash, install=zsh or install=fish, got ${asked || 'nothing'}`;
  throw new CrosscheckError('CROSSCHECK_CLI_FLAG', message);
}
