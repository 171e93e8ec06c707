/** A progress line. */
export interface Progress {
  /** One more is done; `note` stands at the end of the line. */
  tick(note?: string): void;
  end(): void;
}

const BAR = 28;
const REDRAW_MS = 100;
// A log file wants a line now and then instead of a bar that redraws itself.
const LOG_MS = 15_000;

/** A bar on a terminal, a line every quarter of a minute elsewhere. Writes to standard error. */
export function createProgress(what: string, total: number, stream: NodeJS.WriteStream = process.stderr): Progress {
  const started = Date.now();
  const every = stream.isTTY ? REDRAW_MS : LOG_MS;
  let [done, last, latest] = [0, started, ''];
  const draw = () => {
    last = Date.now();
    const line = describe(what, { done, total, seconds: (last - started) / 1000, note: latest });
    stream.write(stream.isTTY ? `\r${line}\x1b[K` : `${line}\n`);
  };
  return {
    tick(note = latest) {
      done++;
      latest = note;
      if (Date.now() - last >= every) draw();
    },
    end() {
      if (!stream.isTTY) return;
      draw();
      stream.write('\n');
    },
  };
}

function describe(what: string, now: { done: number; total: number; seconds: number; note: string }): string {
  const { done, total, seconds, note } = now;
  const share = total === 0 ? 1 : done / total;
  const filled = Math.round(share * BAR);
  const rate = done / Math.max(seconds, 0.001);
  const left = done === 0 ? '' : `, ${spellSeconds((total - done) / rate)} left`;
  return `${what} [${'='.repeat(filled)}${' '.repeat(BAR - filled)}] ${done}/${total}, ${rate.toFixed(1)}/s${left}${note ? `, ${note}` : ''}`;
}

function spellSeconds(seconds: number): string {
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
