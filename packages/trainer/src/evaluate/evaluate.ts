import path from 'node:path';
import { describeNext, type JobResult, type Run, type TrainConfig } from '@crosscheck/config';
import { type Modalities } from '@crosscheck/contract';
import { makeFolder } from '@crosscheck/files';
import { collectLessOften } from '@crosscheck/preprocess';
import { checkClasses } from '../data/check-classes.ts';
import { manifestPath, readColumns, readSplit } from '../data/run-data.ts';
import { nextCommands } from '../report/next-steps.ts';
import { evaluateSplit } from './evaluate-split.ts';
import { logEvaluation } from './log-evaluation.ts';
import { type Judge, openJudge } from './open-judge.ts';
import { requireColumn } from './posts.ts';
import { formatEvaluation } from './show.ts';
import { writeEvaluation } from './write-evaluation.ts';

/**
 * Judges a split with a checkpoint or an artifact folder, and with the one of `evaluation.compare_with` beside it; writes `eval_results.json`,
 * `eval_results.csv`, `predictions.csv` and `eval_report.html` into the run folder, and adds them to the MLflow run of the training.
 *
 * @throws CROSSCHECK_CHECKPOINT_NOT_FOUND, CROSSCHECK_EVALUATION_NO_METADATA, CROSSCHECK_DATA_…
 */
export async function evaluate(run: Run<TrainConfig>): Promise<JobResult> {
  collectLessOften();
  const { config } = run;
  const { split: name, compare_with: rivalName, output_dir } = config.evaluation;
  const folder = path.resolve(output_dir ?? run.runDir);
  await checkColumns(config);
  const judges: Judge[] = [];
  try {
    const judge = await openInto(judges, config);
    const rival = rivalName === null ? null : await openInto(judges, config, rivalName);
    const split = await readSplit(config, name, strictest(judge, rival));
    checkClasses({ [name]: split }, config, (line) => run.warn(line));
    const evaluation = await evaluateSplit(judge, split, config, rival);
    makeFolder(folder);
    const files = await writeEvaluation(folder, evaluation, run);
    const { metrics } = evaluation.result;
    process.stdout.write(
      `${formatEvaluation(evaluation.result)}\n\n${files.map((file) => `${path.relative('.', file)}\n`).join('')}`,
    );
    await logEvaluation(run, evaluation.result, files);
    for (const line of nextLines(run, judge)) run.log(line);
    return { metrics: Object.fromEntries(Object.entries(metrics).map(([key, { value }]) => [key, value])) };
  } finally {
    for (const judge of judges) await judge.close();
  }
}

/** What follows on a checkpoint that was judged; an artifact is what follows already. */
function nextLines({ config, overrides, origins }: Run<TrainConfig>, { source }: Judge): string[] {
  if (!source.endsWith('.safetensors')) return [];
  return describeNext(nextCommands({ config, overrides, origins, checkpoint: source }, ['calibrate', 'export']));
}

/** Names of columns are checked before a model is loaded. @throws CROSSCHECK_DATA_MISSING_COLUMN */
async function checkColumns(config: TrainConfig): Promise<void> {
  const { evaluation } = config;
  const file = manifestPath(config, evaluation.split);
  const columns = await readColumns(config, evaluation.split);
  for (const key of ['group_column', 'post_column', 'id_column'] as const)
    requireColumn(`evaluation.${key}`, evaluation[key], { columns, file });
}

async function openInto(judges: Judge[], config: TrainConfig, named?: string): Promise<Judge> {
  const judge = await openJudge(config, named);
  judges.push(judge);
  return judge;
}

/** What a post must have to be judged by both. */
function strictest({ modalities }: Judge, rival: Judge | null): Modalities {
  const needs = (part: keyof Modalities) => modalities[part] === 'required' || rival?.modalities[part] === 'required';
  return { image: needs('image') ? 'required' : 'optional', text: needs('text') ? 'required' : 'optional' };
}
