import path from 'node:path';
import type { Run, TrainConfig } from '@crosscheck/config';
import { writeWhole } from '@crosscheck/files';
import { renderReport } from '@crosscheck/report';
import { predictionsFile, resultsFile } from '../predictions/file-names.ts';
import { formatPredictions } from '../predictions/predictions-file.ts';
import type { Evaluation } from './evaluate-split.ts';
import { evaluationReport } from './report.ts';
import { formatMetricsCsv } from './show.ts';

const pageFile = 'eval_report.html';

/** Results, predictions and page. @returns their paths */
export async function writeEvaluation(
  folder: string,
  evaluation: Evaluation,
  run: Run<TrainConfig>,
): Promise<string[]> {
  const { result, predictions } = evaluation;
  const contents = {
    [resultsFile]: `${JSON.stringify(result, null, 2)}\n`,
    'eval_results.csv': formatMetricsCsv(result),
    [predictionsFile]: formatPredictions(predictions),
    ...(run.config.evaluation.report && { [pageFile]: await renderReport(evaluationReport(evaluation, run)) }),
  };
  return Object.entries(contents).map(([name, text]) => {
    const file = path.join(folder, name);
    writeWhole(file, text);
    return file;
  });
}
