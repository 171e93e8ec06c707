import { describeSystemError } from '../errors/system-errors.ts';
import { hideSecrets } from '../secrets.ts';

/** What a reader that went away looks like from here: `| head`, a closed terminal. */
const goneReader = new Set(['EPIPE', 'EIO', 'ECONNRESET', 'ERR_STREAM_DESTROYED']);

let isOutputLost = false;
let isWatched = false;

/** Writes a line to stdout, without what is secret. */
export const print = (line: string): void => writeLine(process.stdout, line);

/** Writes a line to stderr, without what is secret. */
export const printError = (line: string): void => writeLine(process.stderr, line);

function writeLine(stream: NodeJS.WriteStream, line: string): void {
  const text = hideSecrets(line);
  stream.write(text.endsWith('\n') ? text : `${text}\n`);
}

/**
 * From here on a closed stdout or stderr, or a lost terminal, ends nothing: work goes on, files and logs get the rest. Output that a full disk
 * refuses is told on stderr once; it is not what somebody chose to stop reading.
 */
export function outliveTerminal(): void {
  if (isWatched) return;
  isWatched = true;
  process.stderr.on('error', () => {});
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (isOutputLost || goneReader.has(error.code ?? '')) return;
    isOutputLost = true;
    printError(
      `CROSSCHECK_OUTPUT_UNWRITABLE: standard output lost lines: ${describeSystemError(error) ?? error.message}`,
    );
  });
}

/** Whether something else than a reader that went away kept lines from standard output. */
export const hasLostOutput = (): boolean => isOutputLost;
