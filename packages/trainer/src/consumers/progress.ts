import cliProgress from 'cli-progress';
import type { Consumer, EpochEvent, StepEvent, TrainEvent } from '../loop/events.ts';

/** Where progress is written: a terminal gets a bar that is redrawn, anything else gets plain lines. */
export interface ProgressOutput {
  write(text: string): unknown;
  isTTY?: boolean;
}

/** Keeps a line within 80 columns in the usual case. */
const barFormat = '{title} {bar} {value}/{total} · {rate}/s · {left} left · loss {loss} acc {accuracy}';

interface Display {
  begin(title: string, total: number): void;
  advance(done: number, figures: Figures): void;
  end(): void;
}

interface Figures {
  samplesPerSecond?: number;
  loss?: number;
  accuracy?: number;
}

function formatSeconds(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–';
  const s = Math.round(seconds);
  const [hours, minutes] = [Math.floor(s / 3600), Math.floor((s % 3600) / 60)];
  if (hours > 0) return `${hours}h${String(minutes).padStart(2, '0')}m`;
  return minutes > 0 ? `${minutes}m${String(s % 60).padStart(2, '0')}s` : `${s}s`;
}

function openBar(): Display {
  const bar = new cliProgress.SingleBar({
    format: barFormat,
    barsize: 12,
    hideCursor: true,
    clearOnComplete: true,
    linewrap: false,
    barCompleteChar: '█',
    barIncompleteChar: '░',
  });
  let began = 0;
  let count = 0;
  return {
    begin(title, total) {
      [began, count] = [performance.now(), total];
      bar.start(total, 0, { title, rate: '–', left: '–', loss: '–', accuracy: '–' });
    },
    advance(done, { samplesPerSecond, loss, accuracy }) {
      const left = ((performance.now() - began) / 1000 / done) * (count - done);
      bar.update(done, {
        rate: samplesPerSecond?.toFixed(1) ?? '–',
        left: formatSeconds(left),
        loss: loss?.toFixed(4) ?? '–',
        accuracy: accuracy?.toFixed(3) ?? '–',
      });
    },
    end: () => bar.stop(),
  };
}

const silentDisplay: Display = { begin: () => undefined, advance: () => undefined, end: () => undefined };

/** Percentages and losses of an epoch in one line. */
export function epochLine({ phase, position, metrics, seconds }: EpochEvent): string {
  const number = (key: string) => metrics[key]?.toFixed(4) ?? '–';
  const train = `train loss ${number('train/loss')} acc ${number('train/accuracy')}`;
  const val = `val loss ${number('val/loss')} acc ${number('val/accuracy')} auc ${number('val/auc')}`;
  return `${phase.name} epoch ${position.totalEpochs} · ${train} · ${val} · ${seconds.toFixed(1)} s`;
}

/** Averages over the last steps, so that one slow step does not shake the rate. */
function createRate(window = 20): (event: StepEvent) => Figures {
  const steps: StepEvent[] = [];
  return (event) => {
    steps.push(event);
    if (steps.length > window) steps.shift();
    const seconds = steps.reduce((sum, { stepSeconds }) => sum + stepSeconds, 0);
    const samples = steps.reduce((sum, { batchSize }) => sum + batchSize, 0);
    const loss = steps.reduce((sum, step) => sum + step.loss, 0) / steps.length;
    const correct = steps.reduce((sum, step) => sum + step.correct, 0);
    return { samplesPerSecond: samples / seconds, loss, accuracy: correct / samples };
  };
}

/** Steps of the epoch that are done: a step takes several batches with `accumulate_steps`. */
const stepsOf = ({ phase, position }: StepEvent) => Math.ceil(position.batch / phase.accumulateSteps);

/** Shows training as it runs: one bar per epoch in a terminal, one line per epoch everywhere. */
export function showProgress(out: ProgressOutput = process.stdout): Consumer {
  const display = out.isTTY ? openBar() : silentDisplay;
  const say = (line: string) => {
    display.end();
    out.write(`${line}\n`);
  };
  let rate = createRate();
  let done = 0;
  const handlers: { [K in TrainEvent['kind']]?: (event: Extract<TrainEvent, { kind: K }>) => void } = {
    'phase-start': ({ phase, trainable, cachesFeatures, stepsPerEpoch }) => {
      const how = cachesFeatures ? ', on features computed once' : '';
      say(
        `phase ${phase.name}: ${trainable.toLocaleString('en')} parameters learn at ${phase.learningRate}, ${phase.numEpochs} epochs of ${stepsPerEpoch} steps${how}`,
      );
    },
    progress: ({ what, done: reached, total }) => {
      if (reached === 1) display.begin(what.padEnd(16), total);
      display.advance(reached, {});
      if (reached === total) display.end();
    },
    'epoch-start': ({ phase, epoch, steps }) => {
      [rate, done] = [createRate(), 0];
      display.begin(`${phase.name} ${epoch}`.padEnd(16), steps);
    },
    step: (event) => {
      done = stepsOf(event);
      display.advance(done, rate(event));
    },
    'skipped-step': ({ position, loss }) => {
      const why = Number.isFinite(loss) ? 'its gradient is not finite' : `its loss is ${loss}`;
      say(`batch ${position.batch} skipped: ${why}`);
    },
    epoch: (event) => say(epochLine(event)),
    'phase-end': ({ phase, reason }) => {
      if (reason !== 'finished') say(`phase ${phase.name} ended: ${reason}`);
    },
  };
  return {
    on: (event) => (handlers[event.kind] as ((e: TrainEvent) => void) | undefined)?.(event),
  };
}
