import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { JobResult, Run, TrainConfig } from '@crosscheck/config';
import { collectLessOften } from '@crosscheck/preprocess';
import { renderReport } from '@crosscheck/report';
import { checkClasses } from '../check-classes.ts';
import { readSplit } from '../run-data.ts';
import { type Evaluation, evaluateSplit } from './evaluate-split.ts';
import { openJudge } from './open-judge.ts';
import { evaluationReport } from './report.ts';
import { formatEvaluation, formatMetricsCsv } from './show.ts';

/**
 * Judges a split with a checkpoint or an artifact folder; writes `eval_results.json`, `eval_results.csv` and `eval_report.html` into the run
 * folder.
 *
 * @throws CROSSCHECK_CHECKPOINT_NOT_FOUND, CROSSCHECK_EVALUATION_NO_METADATA, CROSSCHECK_DATA_…
 */
export async function evaluate(run: Run<TrainConfig>): Promise<JobResult> {
  collectLessOften();
  const { config } = run;
  const judge = await openJudge(config);
  try {
    const split = await readSplit(config, config.evaluation.split, judge.modalities);
    checkClasses({ [config.evaluation.split]: split }, config, (line) => run.warn(line));
    const evaluation = await evaluateSplit(judge, split, config);
    const { result } = evaluation;
    const folder = path.resolve(config.evaluation.output_dir ?? run.runDir);
    const files = await writeEvaluation(folder, evaluation, run);
    process.stdout.write(
      `${formatEvaluation(result)}\n\n${files.map((file) => `${path.relative('.', file)}\n`).join('')}`,
    );
    return { metrics: Object.fromEntries(Object.entries(result.metrics).map(([name, { value }]) => [name, value])) };
  } finally {
    await judge.close();
  }
}

async function writeEvaluation(folder: string, evaluation: Evaluation, run: Run<TrainConfig>): Promise<string[]> {
  const { result } = evaluation;
  const contents = {
    'eval_results.json': `${JSON.stringify(result, null, 2)}\n`,
    'eval_results.csv': formatMetricsCsv(result),
    ...(run.config.evaluation.report && { 'eval_report.html': await renderReport(evaluationReport(evaluation, run)) }),
  };
  mkdirSync(folder, { recursive: true });
  return Object.entries(contents).map(([name, text]) => {
    const file = path.join(folder, name);
    writeFileSync(file, text);
    return file;
  });
}
