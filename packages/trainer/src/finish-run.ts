import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { JobResult } from '@crosscheck/config';
import { applyTemperature, computeMetrics } from '@crosscheck/evaluation';
import { countParameters } from '@crosscheck/model';
import {
  type ReportData,
  renderConfusionMatrix,
  renderReport,
  renderTrainingCurves,
  type ScoredSplit,
} from '@crosscheck/report';
import { describeTensorflow } from '@crosscheck/tensorflow';
import { type BestCalibration, calibrateBest } from './calibrate/calibrate-best.ts';
import { describeThroughput } from './consumers/throughput.ts';
import { epochTable } from './epoch-table.ts';
import { guardWriting } from './guard-writing.ts';
import { finishJudging, type Judged, judgeBatches } from './judge.ts';
import { logModel } from './log-model.ts';
import { mistakesOf } from './mistakes.ts';
import { networkFileName } from './network-table.ts';
import { returnToBest } from './open-phase.ts';
import type { OpenRun } from './open-run.ts';
import { phaseSummary } from './phase-summary.ts';
import type { Outcome } from './run-all.ts';
import { openLoader } from './run-data.ts';

/** What the report tells of. */
interface Findings {
  judged: Judged;
  calibration: BestCalibration | null;
}

const uncalibrated = { threshold: 0.5, temperature: 1 };

/** After the last step: judges validation with the best weights, draws, reports, uploads, and says where everything is. */
export async function finishRun(open: OpenRun, outcome: Outcome): Promise<JobResult> {
  const { say, tracking, history, runDir } = open;
  if (history.length === 0) {
    await tracking.close(outcome.interrupted ? 'KILLED' : 'FINISHED');
    say(`no epoch was finished; training.resume=${path.relative('.', runDir)} goes on from here`);
    return {};
  }
  await returnToBest({ ...open, say: () => undefined }, outcome.best);
  const calibration = outcome.best && !outcome.interrupted ? await calibrateBest(open, outcome.best) : null;
  const judged = open.config.training.report ? await judgeValidation(open) : null;
  const files = judged ? await writeResults(open, outcome, { judged, calibration }) : [];
  files.push(path.join(runDir, networkFileName));
  for (const file of files) tracking.logger.logArtifact(file, path.basename(file));
  if (outcome.best) tracking.logger.logArtifact(outcome.best.path, `model/${path.basename(outcome.best.path)}`);
  tracking.logger.logMetrics(finalMetrics(open, outcome), history.length - 1);
  const removeExported = outcome.best && !outcome.interrupted ? await logModel(open, outcome.best) : undefined;
  await tracking.close(outcome.interrupted ? 'KILLED' : 'FINISHED');
  await removeExported?.();
  say(`\n${epochTable(history, outcome.best?.epoch ?? null)}\n`);
  for (const line of phaseSummary(history, open.manifests.val.samples.length)) say(line);
  for (const line of closingLines(open, outcome)) say(line);
  return { metrics: bestMetrics(open, outcome) };
}

async function judgeValidation({ config, manifests, tokenizer, model }: OpenRun): Promise<Judged> {
  const { batch_size: batchSize } = config.training;
  const loader = openLoader(config, manifests.val, { tokenizer, batchSize, shuffle: false, augment: false });
  try {
    return await finishJudging(judgeBatches(model, loader));
  } finally {
    await loader.close();
  }
}

/** Plots under the original's names, and the report. @returns their paths */
async function writeResults(open: OpenRun, outcome: Outcome, findings: Findings): Promise<string[]> {
  const { runDir, config, history } = open;
  const { version } = config.training;
  const { probabilities, labels, threshold } = scoredValidation(findings);
  const { confusion } = computeMetrics(probabilities, labels, threshold);
  const contents: Record<string, string | Uint8Array> = {
    [`training_curves_${version}.png`]: await renderTrainingCurves(history),
    [`confusion_matrix_${version}.png`]: await renderConfusionMatrix(confusion),
    'report.html': await renderReport(reportData(open, outcome, findings)),
  };
  return Object.entries(contents).map(([name, content]) => {
    const file = path.join(runDir, name);
    guardWriting(file, () => writeFileSync(file, content));
    return file;
  });
}

function reportData(open: OpenRun, outcome: Outcome, findings: Findings): ReportData {
  const { config, history, phases, model, manifests, origins } = open;
  const { judged, calibration } = findings;
  const evaluation = scoredValidation(findings);
  const skipped = manifests.train.problems.length + manifests.val.problems.length + open.unreadable.size;
  return {
    title: `${config.model.name}, version ${config.training.version}`,
    version: config.training.version,
    createdAt: new Date().toISOString(),
    description: `Judged on ${judged.labels.length} validation posts with the weights of epoch ${outcome.best?.epoch ?? history.length}. Validation also chose that epoch, so a test split will look a little worse: pnpm evaluate.`,
    warnings: [
      ...(skipped > 0 ? [`${skipped} rows could not be used and were left out`] : []),
      ...(outcome.interrupted ? ['the run was interrupted before its end'] : []),
    ],
    epochs: history,
    phases: phases.map((phase) => ({
      phase: phase.name,
      details: {
        'learning rate': phase.learningRate,
        epochs: history.filter(({ phaseIndex }) => phaseIndex === phase.index).length,
        'batch size': phase.batchSize,
        trainable: countParameters(model, phase.freeze).trainable.toLocaleString('en'),
      },
    })),
    bestMetric: config.training.early_stopping.metric,
    evaluation,
    ...(calibration && { calibration: scoredCalibration(calibration) }),
    mistakes: mistakesOf({ ...evaluation, indices: judged.indices }, manifests.val.samples, evaluation.threshold),
    config,
    configOrigins: origins,
    environment: environmentFacts(),
  };
}

/** Validation as the checkpoint judges it now. */
function scoredValidation({ judged: { logits, labels }, calibration }: Findings): ScoredSplit {
  const { threshold, temperature } = calibration?.decision ?? uncalibrated;
  const note = 'These posts also chose the epoch, so the model looks a little better here than it is.';
  return { split: 'validation', probabilities: applyTemperature(logits, temperature), labels, threshold, note };
}

/** The posts that calibration was fitted on, before and after. */
function scoredCalibration({ decision, answers: { logits, labels }, warnings }: BestCalibration): ScoredSplit {
  const { threshold, temperature, abstainBand, calibration } = decision;
  const isApart = calibration.usedBefore.length === 0;
  const note = isApart ? 'Neither training nor the choice of the epoch has used them.' : '';
  return {
    split: calibration.split === 'val' ? 'validation' : calibration.split,
    probabilities: applyTemperature(logits, temperature),
    uncalibrated: applyTemperature(logits, 1),
    labels,
    threshold,
    note: [note, ...warnings.map(sentence), `Temperature ${temperature.toFixed(3)} was fitted on them.`]
      .join(' ')
      .trim(),
    ...(abstainBand && { abstainBand }),
  };
}

const sentence = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

function environmentFacts(): Record<string, string> {
  return { node: process.version, tensorflow: describeTensorflow(), platform: `${process.platform} ${process.arch}` };
}

/** The original's `best_val_…` metrics. */
function finalMetrics({ history }: OpenRun, { best }: Outcome): Record<string, number> {
  const metrics = history.find(({ epoch }) => epoch === best?.epoch)?.metrics ?? {};
  const named = { best_val_loss: metrics['val/loss'], best_val_accuracy: metrics['val/accuracy'] };
  return Object.fromEntries(Object.entries(named).filter((entry): entry is [string, number] => entry[1] !== undefined));
}

function bestMetrics({ history }: OpenRun, { best }: Outcome): Record<string, number> {
  return history.find(({ epoch }) => epoch === best?.epoch)?.metrics ?? history.at(-1)?.metrics ?? {};
}

function closingLines({ config, runDir, throughput, unreadable }: OpenRun, { best, interrupted }: Outcome): string[] {
  const relative = (file: string) => path.relative('.', file) || '.';
  const lines = [...describeThroughput(throughput.phases()), ...describeUnreadable(unreadable)];
  if (interrupted) lines.push(`interrupted: training.resume=${relative(runDir)} goes on from here`);
  if (best) {
    const value = `${config.training.early_stopping.metric} ${best.value.toFixed(4)} in epoch ${best.epoch}`;
    lines.push(`best checkpoint: ${relative(best.path)} (${value})`);
  }
  if (config.training.report) lines.push(`report: ${relative(path.join(runDir, 'report.html'))}`);
  return lines;
}

function describeUnreadable(unreadable: OpenRun['unreadable']): string[] {
  const [first] = unreadable.values();
  return first ? [`${unreadable.size} pictures could not be read and were left out, the first: ${first.message}`] : [];
}
