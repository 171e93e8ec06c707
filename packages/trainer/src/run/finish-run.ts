import path from 'node:path';
import { describeNext, type JobResult, type TrialFate } from '@crosscheck/config';
import { throwIfStopped } from '@crosscheck/contract';
import { type Diagnosis, describeModalityUse, diagnosisTags, formatDiagnoses, wrap } from '@crosscheck/evaluation';
import { type BestCalibration, calibrateBest } from '../calibrate/calibrate-best.ts';
import { describeThroughput } from '../consumers/throughput.ts';
import { accuracyOf } from '../evaluate/posts.ts';
import { diagnoseRun } from '../report/diagnose-run.ts';
import { epochTable } from '../report/epoch-table.ts';
import { judgeAblations, judgeValidation } from '../report/judge-validation.ts';
import { ablationMetrics, bestMetricNames, type calibrationMetricNames } from '../report/metric-names.ts';
import { nextCommands } from '../report/next-steps.ts';
import { phaseSummary } from '../report/phase-summary.ts';
import { recordAblations } from '../report/record-ablations.ts';
import { decisionAfter, type Findings, scoredValidation } from '../report/training-report.ts';
import { writeResults } from '../report/write-results.ts';
import { logModel } from './log-model.ts';
import { networkFileName } from './network-table.ts';
import { returnToBest } from './open-phase.ts';
import type { OpenRun } from './open-run.ts';
import type { TrainingOutcome } from './run-all.ts';

/**
 * After the last step: calibrates, judges validation with the best weights, draws, reports, uploads, and says where everything is. A run that Ctrl-C ended
 * gets its report at once; for one that is told to go (SIGTERM, SIGHUP) there may be no time: it only closes, and is reported when it is resumed.
 */
export async function finishRun(open: OpenRun, outcome: TrainingOutcome): Promise<JobResult> {
  const { say, tracking, history, runDir } = open;
  if (history.length === 0) {
    await tracking.close(statusOf(outcome));
    say(`no epoch was finished; training.resume=${path.relative('.', runDir)} goes on from here`);
    return {};
  }
  if (outcome.fate !== 'goes on') return finishTrial(open, outcome, outcome.fate);
  await returnToBest(open, outcome.best);
  const calibration = outcome.best && outcome.interrupted === null ? await calibrateBest(open, outcome.best) : null;
  const findings = mayReport(open, outcome) ? await judgeAll(open, calibration) : null;
  const diagnoses = diagnoseRun(open, outcome, findings);
  if (outcome.interrupted === null) tracking.logger.setTags(diagnosisTags(diagnoses));
  const files = findings ? await writeResults(open, outcome, { ...findings, diagnoses }) : [];
  const ablated = await keepAblations(open, outcome, findings);
  const metrics = { ...finalMetrics(open, outcome), ...calibrationMetrics(calibration), ...ablated };
  await upload(open, outcome, { files, metrics });
  tell(open, outcome, { findings, diagnoses });
  const next = nextAfter(open, outcome);
  // A sweep says at its end how to go on with its best job.
  for (const line of open.jobNumber === null ? describeNext(next) : []) say(line);
  return {
    metrics: { ...bestMetrics(open, outcome), ...metrics },
    ...(outcome.best && { checkpoint: outcome.best.path, next }),
  };
}

const endedBecause = {
  pruned: 'other trials were better by then',
  abandoned: 'the search that it is a trial of is gone',
} as const satisfies Partial<Record<TrialFate, string>>;

/** A trial that a search ended is judged no further: what it reached is known. */
async function finishTrial(
  open: OpenRun,
  outcome: TrainingOutcome,
  fate: keyof typeof endedBecause,
): Promise<JobResult> {
  const { tracking, history, say } = open;
  const metrics = finalMetrics(open, outcome);
  tracking.course.logEnd(metrics, history.length - 1);
  tracking.logger.setTags({ search_state: fate });
  await tracking.close('KILLED');
  say(`${fate} after epoch ${history.length}: ${endedBecause[fate]}`);
  return { metrics: { ...bestMetrics(open, outcome), ...metrics }, pruned: true };
}

/** The epochs, what is wrong before any figure that could be taken for a good one, and where everything is. */
function tell(
  open: OpenRun,
  outcome: TrainingOutcome,
  { findings, diagnoses }: { findings: Findings | null; diagnoses: Diagnosis[] },
): void {
  const { say, history, manifests } = open;
  say(`\n${epochTable(history, outcome.best?.epoch ?? null)}\n`);
  for (const line of formatDiagnoses(diagnoses)) say(line);
  for (const line of phaseSummary(history, manifests.val.samples.length)) say(line);
  const use = findings?.ablations ? wrap(describeUse(findings, findings.ablations)) : [];
  for (const line of use) say(line);
  for (const line of closingLines(open, outcome, findings !== null)) say(line);
}

function nextAfter({ config, overrides, origins }: OpenRun, { best, interrupted }: TrainingOutcome): string[] {
  if (!best || interrupted !== null) return [];
  const commands = (['evaluate', 'calibrate', 'export'] as const).filter(
    (command) => command !== 'calibrate' || !config.calibration.enabled,
  );
  return nextCommands({ config, overrides, origins, checkpoint: best.path }, commands);
}

/** Who is told to go may not stay for a report. */
const mayReport = ({ config }: OpenRun, { interrupted }: TrainingOutcome) =>
  config.training.report && (interrupted === null || interrupted === 'SIGINT');

const statusOf = ({ interrupted }: TrainingOutcome) => (interrupted === null ? 'FINISHED' : 'KILLED');

async function judgeAll(open: OpenRun, calibration: BestCalibration | null): Promise<Findings> {
  const validation = await judgeValidation(open);
  try {
    const ablations = await judgeAblations(open, validation, decisionAfter(calibration));
    return { judged: validation.judged, calibration, ablations };
  } finally {
    validation.close();
  }
}

/** Sends plots, report, checkpoint, last metrics and the ONNX model to MLflow, and ends the run there. */
async function upload(
  open: OpenRun,
  outcome: TrainingOutcome,
  { files, metrics }: { files: string[]; metrics: Record<string, number> },
): Promise<void> {
  const { tracking, runDir, history } = open;
  const { best, interrupted } = outcome;
  for (const file of [...files, path.join(runDir, networkFileName)])
    tracking.logger.logArtifact(file, path.basename(file));
  if (best) tracking.logger.logArtifact(best.path, `model/${path.basename(best.path)}`);
  tracking.course.logEnd(metrics, history.length - 1);
  throwIfStopped();
  const removeExported = best && interrupted === null ? await logModel(open, best) : undefined;
  throwIfStopped();
  await tracking.close(statusOf(outcome));
  await removeExported?.();
}

/** What the ablations showed, as metrics of the run; the best checkpoint gets them too. */
async function keepAblations(
  { say }: OpenRun,
  { best, interrupted }: TrainingOutcome,
  findings: Findings | null,
): Promise<Record<string, number>> {
  if (!findings?.ablations) return {};
  const figures = ablationMetrics('val', findings.ablations);
  if (best && interrupted === null) await recordAblations(best.path, figures, say);
  return figures;
}

function describeUse(findings: Findings, ablations: NonNullable<Findings['ablations']>): string {
  const scored = scoredValidation(findings);
  const { textOnly, imageOnly, shuffled } = ablations;
  return describeModalityUse(accuracyOf(scored, scored.threshold), textOnly, imageOnly, shuffled).summary;
}

type CalibrationMetrics = Record<(typeof calibrationMetricNames)[number], number>;

function calibrationMetrics(calibration: BestCalibration | null): Partial<CalibrationMetrics> {
  if (!calibration) return {};
  const { temperature, threshold, calibration: fit } = calibration.decision;
  return {
    'calibration/temperature': temperature,
    'calibration/threshold': threshold,
    'calibration/ece_before': fit.before.ece,
    'calibration/ece': fit.after.ece,
  };
}

/** The original's `best_val_…` metrics. */
function finalMetrics({ history }: OpenRun, { best }: TrainingOutcome): Record<string, number> {
  const metrics = history.find(({ epoch }) => epoch === best?.epoch)?.metrics ?? {};
  const named = Object.entries(bestMetricNames).map(([key, name]) => [name, metrics[key]] as const);
  return Object.fromEntries(named.filter((entry): entry is [(typeof entry)[0], number] => entry[1] !== undefined));
}

function bestMetrics({ history }: OpenRun, { best }: TrainingOutcome): Record<string, number> {
  return history.find(({ epoch }) => epoch === best?.epoch)?.metrics ?? history.at(-1)?.metrics ?? {};
}

function closingLines(
  { config, runDir, throughput, unreadable }: OpenRun,
  { best, interrupted }: TrainingOutcome,
  isReported: boolean,
): string[] {
  const relative = (file: string) => path.relative('.', file) || '.';
  const lines = [...describeThroughput(throughput.phases()), ...describeUnreadable(unreadable)];
  if (interrupted !== null) lines.push(`interrupted: training.resume=${relative(runDir)} goes on from here`);
  if (best) {
    const value = `${config.training.early_stopping.metric} ${best.value.toFixed(4)} in epoch ${best.epoch}`;
    lines.push(`best checkpoint: ${relative(best.path)} (${value})`);
  }
  if (isReported) lines.push(`report: ${relative(path.join(runDir, 'report.html'))}`);
  return lines;
}

function describeUnreadable(unreadable: OpenRun['unreadable']): string[] {
  const [first] = unreadable.values();
  return first ? [`${unreadable.size} pictures could not be read and were left out, the first: ${first.message}`] : [];
}
