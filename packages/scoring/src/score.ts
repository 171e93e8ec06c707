import type { Run } from '@crosscheck/config';
import { CrosscheckError } from '@crosscheck/contract';
import { availableCores, type Classifier, collectLessOften, openClassifier } from '@crosscheck/inference';
import { classifierOptions, resolveArtifact } from '@crosscheck/inference/batch';
import { describeJob, joinJob } from './job.ts';
import { listShards, openStores, type Stores, shardsOf } from './layout.ts';
import { finishedShards, finishJob, readSummary, type Summary } from './merge.ts';
import { runWorkers } from './processes.ts';
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
  if (summary) printSummary(summary, run.config.score.output);
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
  if ((await readSummary(stores.output)) !== null) return;
  const { size } = own.length === 0 ? finished : await finishedShards(stores.output, shards);
  if (size === shards.length) await finishJob(stores.output, shards, score.merge);
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

function printSummary({ shards, rows, fake, real, failed, file }: Summary, output: string): void {
  print('=== Prediction Summary ===');
  print(`Total samples: ${rows} in ${shards} shards`);
  print(`Predicted FAKE: ${fake}`);
  print(`Predicted REAL: ${real}`);
  if (failed > 0) print(`Failed rows: ${failed}`);
  print(`Predictions saved to: ${output.replace(/\/+$/, '')}/${file ?? 'parts'}`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
