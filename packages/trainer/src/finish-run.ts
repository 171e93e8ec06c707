import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { JobResult } from '@crosscheck/config';
import { computeMetrics, confidentMistakes } from '@crosscheck/evaluation';
import { countParameters } from '@crosscheck/model';
import { type ReportData, renderConfusionMatrix, renderReport, renderTrainingCurves } from '@crosscheck/report';
import { describeTensorflow } from '@crosscheck/tensorflow';
import { describeThroughput } from './consumers/throughput.ts';
import { epochTable } from './epoch-table.ts';
import { guardWriting } from './guard-writing.ts';
import { finishJudging, type Judged, judgeBatches } from './judge.ts';
import { logModel } from './log-model.ts';
import { networkFileName } from './network-table.ts';
import { returnToBest } from './open-phase.ts';
import type { OpenRun } from './open-run.ts';
import { phaseSummary } from './phase-summary.ts';
import type { Outcome } from './run-all.ts';
import { openLoader } from './run-data.ts';

const shownMistakes = 12;
const threshold = 0.5;

/** After the last step: judges validation with the best weights, draws, reports, uploads, and says where everything is. */
export async function finishRun(open: OpenRun, outcome: Outcome): Promise<JobResult> {
  const { say, tracking, history, runDir } = open;
  if (history.length === 0) {
    await tracking.close(outcome.interrupted ? 'KILLED' : 'FINISHED');
    say(`no epoch was finished; training.resume=${path.relative('.', runDir)} goes on from here`);
    return {};
  }
  await returnToBest({ ...open, say: () => undefined }, outcome.best);
  const files = open.config.training.report ? await writeResults(open, outcome, await judgeValidation(open)) : [];
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
async function writeResults(open: OpenRun, outcome: Outcome, judged: Judged): Promise<string[]> {
  const { runDir, config, history } = open;
  const { version } = config.training;
  const { confusion } = computeMetrics(judged.probabilities, judged.labels, threshold);
  const contents: Record<string, string | Uint8Array> = {
    [`training_curves_${version}.png`]: await renderTrainingCurves(history),
    [`confusion_matrix_${version}.png`]: await renderConfusionMatrix(confusion),
    'report.html': await renderReport(reportData(open, outcome, judged)),
  };
  return Object.entries(contents).map(([name, content]) => {
    const file = path.join(runDir, name);
    guardWriting(file, () => writeFileSync(file, content));
    return file;
  });
}

function reportData(open: OpenRun, outcome: Outcome, judged: Judged): ReportData {
  const { config, history, phases, model, manifests, origins } = open;
  const { samples } = manifests.val;
  const mistakes = confidentMistakes(judged.probabilities, judged.labels, threshold, shownMistakes).map((row) => {
    const sample = samples[judged.indices[row] ?? 0];
    return {
      image: sample?.imagePath ?? null,
      caption: sample?.text ?? '',
      label: judged.labels[row] === 1 ? (1 as const) : (0 as const),
      probability: judged.probabilities[row] as number,
      source: `${path.basename(sample?.file ?? '')}:${sample?.line}`,
    };
  });
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
    evaluation: { split: 'validation', probabilities: judged.probabilities, labels: judged.labels, threshold },
    mistakes,
    config,
    configOrigins: origins,
    environment: environmentFacts(),
  };
}

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
