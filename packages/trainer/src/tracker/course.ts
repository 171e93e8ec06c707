import { messageOf } from '@crosscheck/contract';
import type { Run, RunLogger, TrackingStore } from 'mlflow-js-client';
import { addStored, isStored, readPoints, readStored, type Stored, sendMissing } from './missing.ts';
import { type MetricsLine, type Point, pointsOf } from './points.ts';

/** The steps and epochs of a run on their way to the tracker, each once, however often the run was cut off. */
export interface Course {
  /** A line of metrics.jsonl, just written. */
  log(line: MetricsLine): void;
  /** Figures of the end; those that an earlier end logged are left out. */
  logEnd(metrics: Readonly<Record<string, number>>, step: number): void;
  /** Compares the tracker with metrics.jsonl, and sends what it lacks. @returns how many points, null when it could not be asked */
  catchUp(): Promise<number | null>;
  /** Whether the tracker has been told everything that is in metrics.jsonl, or the logger has it in its hands. */
  isCaughtUp(): boolean;
}

export interface CourseOptions {
  store: TrackingStore;
  logger: Pick<RunLogger, 'logMetrics' | 'logMetric' | 'isOpen' | 'runId'>;
  runDir: string;
  logEverySteps: number;
  /** False for a run that goes on: what the tracker has of it must be seen first. */
  isNew: boolean;
  /** Told what the tracker knows of the run, when that is seen. */
  describe: (known: Run) => void;
  onProblem: (message: string) => void;
}

/**
 * metrics.jsonl is the truth. As long as a tracker could not be compared with it, nothing is logged: what is missing is read from the file when
 * the tracker answers.
 */
export function openCourse(options: CourseOptions): Course {
  const { store, logger, runDir, logEverySteps, describe, onProblem } = options;
  let stored: Stored = new Map();
  let isCaughtUp = options.isNew;
  let work: Promise<number | null> | null = null;

  const logNew = (points: readonly Point[]) => {
    for (const point of points.filter((each) => !isStored(stored, each))) {
      logger.logMetric(point.key, point.value, point.step);
      addStored(stored, point);
    }
  };
  const compare = async (): Promise<number | null> => {
    if (!logger.isOpen || logger.runId === null) return null;
    try {
      const { runId } = logger;
      const run = await store.getRun(runId);
      stored = await readStored(store, run);
      const sent = await sendMissing(store, runId, { points: readPoints(runDir, logEverySteps), stored });
      // What was written meanwhile; from here on every line is logged as it comes.
      logNew(readPoints(runDir, logEverySteps));
      isCaughtUp = true;
      describe(run);
      return sent;
    } catch (error) {
      onProblem(`cannot compare the tracker with metrics.jsonl: ${messageOf(error)}`);
      return null;
    }
  };
  const catchUp = () => {
    work ??= compare().finally(() => (work = null));
    return work;
  };
  return {
    isCaughtUp: () => isCaughtUp,
    catchUp,
    log(line) {
      if (isCaughtUp) logNew(pointsOf(line, logEverySteps));
      else if (line.epoch !== undefined) void catchUp();
    },
    logEnd(metrics, step) {
      for (const [key, value] of Object.entries(metrics))
        if (stored.get(key)?.get(step) !== value) logger.logMetric(key, value, step);
    },
  };
}
