import path from 'node:path';
import { computeMetrics } from '@crosscheck/evaluation';
import { writeWhole } from '@crosscheck/files';
import { renderConfusionMatrix, renderReport, renderTrainingCurves } from '@crosscheck/report';
import { validationPredictionsFile, validationResultsFile } from '../predictions/file-names.ts';
import { formatPredictions } from '../predictions/predictions-file.ts';
import { guardWriting } from '../run/guard-writing.ts';
import type { OpenRun } from '../run/open-run.ts';
import type { TrainingOutcome } from '../run/run-all.ts';
import { type DiagnosedFindings, scoredValidation, trainingReport } from './training-report.ts';
import { validationResults } from './validation-results.ts';

/** Plots under the original's names, and the report. @returns their paths */
export async function writeResults(
  open: OpenRun,
  outcome: TrainingOutcome,
  findings: DiagnosedFindings,
): Promise<string[]> {
  const { runDir, config, history } = open;
  const { version } = config.training;
  const { probabilities, labels, threshold } = scoredValidation(findings);
  const { confusion } = computeMetrics(probabilities, labels, threshold);
  const contents: Record<string, string | Uint8Array> = {
    [`training_curves_${version}.png`]: await renderTrainingCurves(history),
    [`confusion_matrix_${version}.png`]: await renderConfusionMatrix(confusion),
    'report.html': await renderReport(trainingReport(open, outcome, findings)),
  };
  keepValidation(open, outcome, findings);
  return Object.entries(contents).map(([name, content]) => writeInto(runDir, name, content));
}

/** What `pnpm compare` reads: every verdict on validation, and what it says of the run. They stay in the run folder. */
function keepValidation(open: OpenRun, outcome: TrainingOutcome, findings: DiagnosedFindings): void {
  const { predictions, result } = validationResults(open, outcome, findings);
  writeInto(open.runDir, validationPredictionsFile, formatPredictions(predictions));
  writeInto(open.runDir, validationResultsFile, `${JSON.stringify(result, null, 2)}\n`);
}

function writeInto(folder: string, name: string, content: string | Uint8Array): string {
  const file = path.join(folder, name);
  guardWriting(file, () => writeWhole(file, content));
  return file;
}
