import type { Confusion } from '@crosscheck/evaluation';
import type { EpochRecord } from './history.ts';
import { confusionPlot } from './plots/confusion-matrix.ts';
import { trainingSheet } from './plots/training-curves.ts';
import { type PngOptions, renderPng } from './png.ts';

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
export function renderConfusionMatrix(confusion: Confusion, options?: PngOptions): Promise<Buffer> {
  return renderPng(confusionPlot(confusion), options);
}
