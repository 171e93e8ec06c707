import type { Run } from '@crosscheck/config';
import { CrosscheckError } from '@crosscheck/contract';
import { availableCores, type Classifier, collectLessOften, openClassifier } from '@crosscheck/inference';
import { classifierOptions, describeFailures, requireEnough, resolveArtifact } from '@crosscheck/inference/batch';
import { describeJob, joinJob } from './job.ts';
import { listShards, openStores, type Stores, shardsOf } from './layout.ts';
import { finishedShards, finishJob, readSummary, type Summary } from './merge.ts';
import { runWorkers, startedHere } from './processes.ts';
import type { ScoreConfig } from './schema.ts';
import { scoreShard } from './score-shard.ts';

type ScoreRun = Run<ScoreConfig>;

/**
 * Job of `pnpm score`: be the worker of an index, or start all workers here and wait for them. Whoever finishes last merges.
 *
 * @throws what `openClassifier` and `classifyFile` throw, `CROSSCHECK_SCORE_…`, `CROSSCHECK_STORAGE_…`
 */
export async function score(run: ScoreRun): Promise<void> {
  const { workers, restarts } = run.config.score;
  const index = workerIndex(run.config.score);
  if (index !== null) return work(run, index);
  const sessions = run.config.score.sessions ?? Math.max(1, Math.floor(availableCores() / workers));
  const artifact = await findArtifact(run); // once, not by every worker
  const own = [
    `inference.checkpoint.path="${artifact}"`,
    `score.sessions=${sessions}`,
    `hydra.run.dir="${run.runDir}"`,
    'hydra.output_subdir=null',
  ];
  await runWorkers({ workers, restarts, overrides: own, warn: (message) => run.warn(message) });
  const summary = await readSummary(openStores(run.config.score).output);
  if (summary === null) return;
  printSummary(summary, run.config.score.output);
  requireJudged(summary, run.config.score);
}

/** @throws CROSSCHECK_SCORE_INDEX */
function workerIndex({ index, workers }: ScoreConfig['score']): number | null {
  const given = process.env.JOB_COMPLETION_INDEX;
  const wanted = index ?? (given === undefined ? null : Number(given));
  if (wanted === null || (Number.isInteger(wanted) && wanted >= 0 && wanted < workers)) return wanted;
  const message = `expected an index from 0 to ${workers - 1}, got ${index ?? `JOB_COMPLETION_INDEX=${given}`}; set score.workers to the completions of the Job`;
  throw new CrosscheckError('CROSSCHECK_SCORE_INDEX', message);
}

async function work(run: ScoreRun, index: number): Promise<void> {
  const { score, inference } = run.config;
  const stores = openStores(score);
  const shards = await listShards(stores.shards);
  const finished = await finishedShards(stores.output, shards);
  const own = shardsOf(index, { workers: score.workers, shards }).filter((shard) => !finished.has(shard));
  if (own.length > 0) {
    const artifact = await findArtifact(run);
    const options = {
      ...classifierOptions({ ...inference, mode: 'batch' }),
      ...(score.sessions && { workers: score.sessions }),
    };
    collectLessOften();
    const classifier = await openClassifier(artifact, options);
    try {
      await judgeAll(run, { classifier, stores, shards, own });
    } finally {
      await classifier.close();
    }
  }
  const summary = (await readSummary(stores.output)) ?? (await finishIfLast(stores, { shards, isMerged: score.merge }));
  // Who started all workers here judges by the summary itself, and does not start them again.
  if (summary && process.env[startedHere] === undefined) requireJudged(summary, score);
}

async function finishIfLast(
  { output }: Stores,
  { shards, isMerged }: { shards: string[]; isMerged: boolean },
): Promise<Summary | null> {
  const { size } = await finishedShards(output, shards);
  return size === shards.length ? finishJob(output, shards, isMerged) : null;
}

/** @throws CROSSCHECK_SCORE_ROWS_FAILED */
function requireJudged(
  { rows, failed, failures = [], file }: Summary,
  { output, max_failed_share: maxFailedShare }: ScoreConfig['score'],
): void {
  const [code, key] = ['CROSSCHECK_SCORE_ROWS_FAILED', 'score.max_failed_share'] as const;
  const place = `${output.replace(/\/+$/, '')}/${file ?? 'parts'}`;
  requireEnough({ total: rows, failed, failures }, { code, key, maxFailedShare, output: place });
}

async function findArtifact(run: ScoreRun): Promise<string> {
  const { checkpoint, text } = run.config.inference;
  return resolveArtifact(checkpoint.path, { tokenizer: text.tokenizer, log: (message) => run.warn(message) });
}

async function judgeAll(
  run: ScoreRun,
  { classifier, stores, shards, own }: { classifier: Classifier; stores: Stores; shards: string[]; own: string[] },
): Promise<void> {
  const { config } = run;
  await joinJob(stores.output, describeJob(shards, classifier, config));
  for (const [position, shard] of own.entries()) {
    const started = performance.now();
    const { rows, failed } = await scoreShard(shard, { classifier, stores, config, warn: (line) => run.warn(line) });
    const rate = ((1000 * rows) / (performance.now() - started)).toFixed(1);
    print(`${shard}: ${rows} rows, ${failed} failed, ${rate} rows/s, ${own.length - position - 1} shards left`);
  }
}

function printSummary({ shards, rows, fake, real, failed, failures = [], file }: Summary, output: string): void {
  print('=== Prediction Summary ===');
  print(`Total samples: ${rows} in ${shards} shards`);
  print(`Predicted FAKE: ${fake}`);
  print(`Predicted REAL: ${real}`);
  if (failed > 0) print(`Failed rows: ${failed}`);
  if (failures.length > 0) print(`Most often: ${describeFailures(failures)}`);
  print(`Predictions saved to: ${output.replace(/\/+$/, '')}/${file ?? 'parts'}`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
