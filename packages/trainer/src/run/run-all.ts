import path from 'node:path';
import type { TrialFate } from '@crosscheck/config';
import { type CrosscheckError, type StopSignal, withoutSecrets } from '@crosscheck/contract';
import type { Optimizer } from '@crosscheck/engine';
import { type Best, keepCheckpoints } from '../consumers/checkpoints.ts';
import { stopEarly } from '../consumers/early-stopping.ts';
import { stopOnSignal } from '../consumers/interrupt.ts';
import { writeMetricsFile } from '../consumers/metrics-file.ts';
import { printMetrics } from '../consumers/print-metrics.ts';
import { showProgress } from '../consumers/progress.ts';
import { reportEpochs } from '../consumers/report-epochs.ts';
import { saveState } from '../consumers/state-saver.ts';
import { trackRun } from '../consumers/tracking.ts';
import { openPush } from '../consumers/trainer-progress.ts';
import type { Workers } from '../distributed/workers.ts';
import { divergedError, type NotFinite } from '../loop/diverged.ts';
import type { Consumer, EpochEvent, Events, LoopCommand, Position, ResumePoint } from '../loop/events.ts';
import type { EpochRecord } from '../loop/history.ts';
import { runTraining, startOfRun } from '../loop/loop.ts';
import { describeCheckpoint } from './checkpoint-description.ts';
import { isResumedAt, openPhase, startFrom } from './open-phase.ts';
import { dataDigests, type OpenRun } from './open-run.ts';
import { type StateDescription, trainingStateFile, writeTrainingState } from './training-state.ts';

/** How the loop ended. */
export interface TrainingOutcome {
  position: Position;
  /** The signal that ended it; null for one that ended by itself. */
  interrupted: StopSignal | null;
  /** Whether the search that it is a trial of has ended it. */
  fate: TrialFate;
  best: Best | null;
}

/** Runs the loop with everything that watches it. */
export async function runAll(open: OpenRun): Promise<TrainingOutcome> {
  const { config, resumed, history, workers } = open;
  const { training } = config;
  const start = resumed?.state.description.point ?? startOfRun;
  const interrupt = stopOnSignal(workers);
  const search = reportEpochs(open.reportEpoch);
  const checkpoints = keepCheckpoints({
    model: open.model,
    dir: open.checkpointDir,
    version: training.version,
    metric: training.early_stopping.metric,
    saveFrequency: training.save_frequency,
    best: resumed ? bestBefore(resumed.state.description) : null,
    describe: (event) => describeCheckpoint(open, event),
    diverged: (what, event) => divergedAfter(open, what, event),
    writes: workers.rank === 0,
  });
  let optimizer: Optimizer | undefined;
  const save = async (point: ResumePoint) => {
    if (optimizer) await writeState(open, { point, best: checkpoints.best, optimizer });
  };
  // Of several workers one writes; the others decide alike.
  const writers = (...those: (Consumer | null)[]) =>
    those.filter((each) => each !== null && workers.rank === 0) as Consumer[];
  const push = workers.rank === 0 ? openPush(open, process.env) : null;
  // The order matters: a state that is saved must know the epoch and the best checkpoint that came before it.
  const consumers: Consumer[] = [
    recordHistory(history),
    ...writers(writeMetricsFile(open.runDir), showProgress(), training.print_metrics ? printMetrics() : null, push),
    ...writers(open.throughput, trackRun(open.tracking.course)),
    checkpoints,
    stopEarly(history),
    ...writers(saveState(save, training.save_every_steps)),
    search,
    interrupt,
  ];
  const loop = runTraining({
    phases: open.phases,
    start,
    maxSteps: training.num_steps,
    openPhase: async (phase, position) => {
      const isNew = position.epoch === 0 && position.batch === 0 && !isResumedAt(open, phase, position);
      if (isNew && phase.index > 0) await startFrom(open, checkpoints.best);
      const opened = await openPhase(open, phase, { position, previous: optimizer });
      optimizer?.dispose();
      optimizer = opened.optimizer;
      return opened.session;
    },
  });
  try {
    const position = await drive(loop, consumers, workers);
    const interrupted = await interrupt.takeStop();
    await push?.close(interrupted === null);
    return { position, interrupted, fate: interrupted === null ? search.fate() : 'goes on', best: checkpoints.best };
  } catch (error) {
    await push?.close(false);
    throw error;
  } finally {
    optimizer?.dispose();
  }
}

/** Pulls the loop's events, shows each to every consumer, and hands their answers back. */
async function drive(loop: Events<Position>, consumers: readonly Consumer[], workers: Workers): Promise<Position> {
  let answer: LoopCommand | undefined;
  for (;;) {
    const next = await loop.next(answer);
    if (next.done) return next.value;
    answer = undefined;
    for (const consumer of consumers) {
      const said = await consumer.on(next.value);
      answer = stronger(answer, said ?? undefined);
    }
    // Every worker's consumers answer alike at a step, which has brought their signals together already.
    if (workers.world > 1 && !('isToStop' in next.value)) answer = await agree(workers, answer);
  }
}

type Answer = LoopCommand | undefined;

const stronger = (a: Answer, b: Answer): Answer => (a === 'stop-run' ? a : (b ?? a));

/** What one worker's consumers ask for, all of them obey. Also a meeting: nobody goes on before the one that writes has written. */
async function agree(workers: Workers, answer: Answer): Promise<Answer> {
  const all = await workers.gather(answer ?? null);
  return all.map((each) => each ?? undefined).reduce(stronger);
}

/** The best epoch of an interrupted run; states of earlier versions do not say its loss, but their history does. */
export function bestBefore({ best, history }: Pick<StateDescription, 'best' | 'history'>): Best | null {
  if (best === null || best.loss !== null) return best;
  return { ...best, loss: history.find(({ epoch }) => epoch === best.epoch)?.metrics['val/loss'] ?? null };
}

/** Weights that are not finite although the epoch's numbers were. */
function divergedAfter(
  { config }: OpenRun,
  what: NotFinite,
  { phase, position, metrics }: EpochEvent,
): CrosscheckError {
  const { clip_norm: clipNorm, mixed_precision: mixedPrecision } = config.training;
  const { totalEpochs: epoch, step } = position;
  const rates = {
    lastLoss: metrics['train/loss'] ?? null,
    learningRate: metrics['learning_rate'] ?? phase.learningRate,
  };
  return divergedError(what, { phase, epoch, step, ...rates, clipNorm, mixedPrecision });
}

function recordHistory(history: EpochRecord[]): Consumer {
  return {
    on(event) {
      if (event.kind !== 'epoch') return;
      const { phase, position, seconds, metrics, steps } = event;
      const { totalEpochs: epoch, step } = position;
      history.push({ phase: phase.name, phaseIndex: phase.index, epoch, step, seconds, metrics, steps });
    },
  };
}

interface StateParts {
  point: ResumePoint;
  best: Best | null;
  optimizer: Optimizer;
}

function writeState(open: OpenRun, { point, best, optimizer }: StateParts): Promise<void> {
  const { config, runDir, model, history, manifests, tracking } = open;
  const description = {
    point,
    history,
    best,
    dataDigests: dataDigests(manifests),
    config: withoutSecrets(config),
    runId: tracking.runId(),
  };
  return writeTrainingState(path.join(runDir, trainingStateFile), { model, optimizer, description });
}
