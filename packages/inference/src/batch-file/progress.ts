import { stat } from 'node:fs/promises';
import cliProgress from 'cli-progress';

/** Shows on stderr how far a file has been judged. */
export interface Progress {
  /** One more row is done; `bytes` of the file were read for it. */
  advance(bytes: number): void;
  /** A line that stays on the screen. */
  note(line: string): void;
  close(): void;
}

const reportEveryMs = 10_000;

/**
 * A bar where there is a terminal, a line every ten seconds where there is none.
 *
 * @param nRows rows to judge; negative = all, then the bar follows the bytes of the file
 */
export async function openProgress(
  file: string,
  nRows: number,
  stream: NodeJS.WriteStream = process.stderr,
): Promise<Progress> {
  const size = (await stat(file).catch(() => null))?.size ?? 0;
  return stream.isTTY ? openBar({ total: nRows < 0 ? size : nRows, byRows: nRows >= 0 }, stream) : openLog(stream);
}

function openBar({ total, byRows }: { total: number; byRows: boolean }, stream: NodeJS.WriteStream): Progress {
  const format = '{bar} {percentage}% | {rows} rows | {rate} rows/s | {eta_formatted} left';
  const bar = new cliProgress.MultiBar(
    { format, stream, hideCursor: true, clearOnComplete: true },
    cliProgress.Presets.rect,
  );
  const rate = rateFrom(performance.now());
  const line = bar.create(total, 0, { rows: 0, rate: '-' });
  let rows = 0;
  return {
    advance: (bytes) => line.update(Math.min(total, byRows ? ++rows : (rows++, bytes)), { rows, rate: rate(rows) }),
    note: (text) => bar.log(`${text}\n`),
    close: () => bar.stop(),
  };
}

function openLog(stream: NodeJS.WriteStream): Progress {
  const rate = rateFrom(performance.now());
  let rows = 0;
  const timer = setInterval(() => stream.write(`${rows} rows, ${rate(rows)} rows/s\n`), reportEveryMs);
  return {
    advance: () => void rows++,
    note: (text) => void stream.write(`${text}\n`),
    close: () => clearInterval(timer),
  };
}

function rateFrom(startedAt: number): (rows: number) => string {
  return (rows) => ((1000 * rows) / (performance.now() - startedAt)).toFixed(1);
}
