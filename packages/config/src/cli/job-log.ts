import { appendFileSync } from 'node:fs';
import { describeSystemError, hideSecrets, messageOf, print, printError } from '@crosscheck/contract';

const pad = (value: number, width: number) => String(value).padStart(width, '0');

/** A moment as Python's logging writes it: `2026-11-21 04:48:28,084`. */
export function logTime(time: Date): string {
  const day = `${time.getFullYear()}-${pad(time.getMonth() + 1, 2)}-${pad(time.getDate(), 2)}`;
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map((part) => pad(part, 2)).join(':');
  return `${day} ${clock},${pad(time.getMilliseconds(), 3)}`;
}

export interface JobLogOptions {
  name: string;
  /** Null writes no file. */
  file: string | null;
  console: boolean;
}

export interface JobLog {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** Opens the log of one job. Lines are written at once, so that a run that is killed keeps them. */
export function openJobLog({ name, file, console: isShown }: JobLogOptions): JobLog {
  const append = file === null ? () => {} : openFile(file);
  const write = (level: string, message: string, show: (text: string) => void) => {
    append(`[${logTime(new Date())}][${name}][${level}] - ${hideSecrets(message)}\n`);
    if (isShown) show(message);
  };
  return {
    info: (message) => write('INFO', message, print),
    warn: (message) => write('WARNING', message, (text) => printError(`warning: ${text}`)),
    error: (message) => write('ERROR', message, () => {}),
  };
}

/** A log that cannot be written is told once and costs no run: results have files of their own, which are errors when they cannot be written. */
function openFile(file: string): (line: string) => void {
  let isLost = false;
  return (line) => {
    try {
      appendFileSync(file, line);
    } catch (error) {
      if (!isLost)
        printError(`warning: lines are missing in ${file}: ${describeSystemError(error) ?? messageOf(error)}`);
      isLost = true;
    }
  };
}
