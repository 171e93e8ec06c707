import { CrosscheckError } from '@crosscheck/contract';
import type { Confusion } from '@crosscheck/evaluation';
import type { EpochRecord } from './history.ts';
import { type Plot, renderSvg } from './plot.ts';
import { probabilityPlot, reliabilityPlot } from './plots/calibration.ts';
import { confusionPlot } from './plots/confusion-matrix.ts';
import { coveragePlot } from './plots/coverage.ts';
import { precisionRecallPlot, rocPlot } from './plots/ranking.ts';
import { thresholdPlot } from './plots/threshold-sweep.ts';
import { trainingSheet } from './plots/training-curves.ts';
import { type PngOptions, renderPng } from './png.ts';
import type { ScoredSplit } from './scored-split.ts';

/**
 * Draws loss, accuracy, F1, ROC-AUC, precision and recall, and learning rate over the epochs, with the phases and the best epoch marked.
 * Metrics that were not measured leave no panel.
 *
 * @returns a PNG file's bytes
 * @throws CROSSCHECK_REPORT_EMPTY when no epoch has a metric to draw
 */
export async function renderTrainingCurves(epochs: readonly EpochRecord[], options?: PngOptions): Promise<Buffer> {
  return renderPng(trainingSheet(epochs), options);
}

/** Draws the confusion matrix with counts and row shares, and returns a PNG file's bytes. */
export async function renderConfusionMatrix(confusion: Confusion, options?: PngOptions): Promise<Buffer> {
  return renderPng(titled(confusionPlot(confusion)), options);
}

/** The pictures of an evaluation, by the names that their files have. */
const evaluationPlots = {
  roc_curve: rocPlot,
  precision_recall_curve: precisionRecallPlot,
  reliability: reliabilityPlot,
  probabilities: probabilityPlot,
  threshold_sweep: thresholdPlot,
  coverage: coveragePlot,
} as const satisfies Record<string, (split: ScoredSplit) => Plot | null>;

export type EvaluationPlotName = keyof typeof evaluationPlots;

/** A picture that stands alone carries its title and some margin. */
function titled(plot: Plot): Plot {
  return {
    ...plot,
    spec: (theme) => ({ title: { text: plot.title, frame: 'group' }, padding: 16, ...plot.spec(theme) }),
  };
}

function plotOf(name: EvaluationPlotName, split: ScoredSplit): Plot {
  const plot = evaluationPlots[name](split);
  if (plot !== null) return titled(plot);
  const message = `expected rows that a ${name} can be drawn from (both classes), got ${split.labels.length} rows of split "${split.split}"`;
  throw new CrosscheckError('CROSSCHECK_REPORT_EMPTY', message);
}

/**
 * Draws one picture of an evaluation as PNG.
 *
 * @throws CROSSCHECK_REPORT_EMPTY when the split's rows cannot give it, and those of `computeMetrics`
 * @example await renderEvaluationPlot('roc_curve', { split: 'test', probabilities, labels, threshold: 0.5 })
 */
export async function renderEvaluationPlot(
  name: EvaluationPlotName,
  split: ScoredSplit,
  options?: PngOptions,
): Promise<Buffer> {
  return renderPng(plotOf(name, split), options);
}

/** The same as a stand-alone SVG, with its text as text. */
export async function renderEvaluationSvg(name: EvaluationPlotName, split: ScoredSplit): Promise<string> {
  return renderSvg(plotOf(name, split));
}

/** Every picture that the split's rows can give, as PNG bytes by name. */
export async function renderEvaluationPlots(
  split: ScoredSplit,
  options?: PngOptions,
): Promise<Partial<Record<EvaluationPlotName, Buffer>>> {
  const drawn: Partial<Record<EvaluationPlotName, Buffer>> = {};
  for (const [name, create] of Object.entries(evaluationPlots)) {
    const plot = create(split);
    if (plot !== null) drawn[name as EvaluationPlotName] = await renderPng(titled(plot), options);
  }
  return drawn;
}
