import type { Consumer } from '../events.ts';

/** Ctrl-C or SIGTERM once: the step is finished, everything is saved, the run ends as KILLED. Twice: at once. */
export function stopOnSignal(say: (line: string) => void): Consumer & { close(): void; readonly stopped: boolean } {
  let signals = 0;
  const handle = () => {
    signals += 1;
    if (signals > 1) process.exit(130);
    say('\nstopping after this step and saving; once more to stop at once');
  };
  process.on('SIGINT', handle).on('SIGTERM', handle);
  return {
    on: () => (signals > 0 ? 'stop-run' : undefined),
    get stopped() {
      return signals > 0;
    },
    close: () => void process.off('SIGINT', handle).off('SIGTERM', handle),
  };
}
