import type { Consumer } from '../loop/events.ts';

/** A metric's name as the collectors of Katib read it: letters, digits, `_`. */
export const printedName = (metric: string) => metric.replace(/\W+/g, '_');

/**
 * Prints every metric of an epoch as `2026-12-01T13:00:00.000Z val_accuracy=0.71`, one a line: what Katib's collector of stdout looks for, with the time
 * that its early stopping needs. A metric that is not finite is left out: the collector would read an empty number.
 */
export function printMetrics(out: { write(text: string): unknown } = process.stdout, now = () => new Date()): Consumer {
  return {
    on(event) {
      if (event.kind !== 'epoch') return;
      const time = now().toISOString();
      const finite = Object.entries(event.metrics).filter(([, value]) => Number.isFinite(value));
      out.write(finite.map(([name, value]) => `${time} ${printedName(name)}=${value}\n`).join(''));
    },
  };
}
