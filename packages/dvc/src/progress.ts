import cliProgress from 'cli-progress';
import type { PullWatcher } from './pull.ts';

/** Shows on stderr how far a pull is. */
export interface PullProgress extends PullWatcher {
  close(): void;
}

const reportEveryMs = 10_000;

/** A bar where there is a terminal, a line every ten seconds where there is none. */
export function openProgress(stream: NodeJS.WriteStream = process.stderr): PullProgress {
  const format = '{bar} {percentage}% | {fetched} of about {size} | {files} of {all} files';
  const bar = new cliProgress.SingleBar({ format, stream, hideCursor: true, clearOnComplete: true });
  let [fetched, files, all, size] = [0, 0, 0, ''];
  const draw = () => bar.update(fetched, { fetched: megabytes(fetched), files, all, size });
  const log = () => void stream.write(`${megabytes(fetched)} of about ${size}, ${files} of ${all} files\n`);
  const timer = stream.isTTY ? undefined : setInterval(log, reportEveryMs);
  return {
    start(total) {
      [all, size] = [total.files, megabytes(total.bytes)];
      if (stream.isTTY) bar.start(Math.max(total.bytes, 1), 0, { fetched: megabytes(0), files, all, size });
    },
    bytes(count) {
      fetched += count;
      draw();
    },
    file() {
      files++;
      draw();
    },
    close() {
      clearInterval(timer);
      bar.stop();
    },
  };
}

/** Bytes in words. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
