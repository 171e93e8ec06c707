import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { computeMetrics } from '@crosscheck/evaluation';
import { renderConfusionMatrix, renderReport, renderTrainingCurves } from '@crosscheck/report';
import { guardWriting } from '../guard-writing.ts';
import type { OpenRun } from '../open-run.ts';
import type { Outcome } from '../run-all.ts';
import { type DiagnosedFindings, scoredValidation, trainingReport } from './training-report.ts';

/** Plots under the original's names, and the report. @returns their paths */
export async function writeResults(open: OpenRun, outcome: Outcome, findings: DiagnosedFindings): Promise<string[]> {
  const { runDir, config, history } = open;
  const { version } = config.training;
  const { probabilities, labels, threshold } = scoredValidation(findings);
  const { confusion } = computeMetrics(probabilities, labels, threshold);
  const contents: Record<string, string | Uint8Array> = {
    [`training_curves_${version}.png`]: await renderTrainingCurves(history),
    [`confusion_matrix_${version}.png`]: await renderConfusionMatrix(confusion),
    'report.html': await renderReport(trainingReport(open, outcome, findings)),
  };
  return Object.entries(contents).map(([name, content]) => {
    const file = path.join(runDir, name);
    guardWriting(file, () => writeFileSync(file, content));
    return file;
  });
}
