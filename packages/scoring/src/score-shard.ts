import { mkdtemp, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { makeTemporaryFolder } from '@crosscheck/files';
import type { Classifier } from '@crosscheck/inference';
import { type BatchSummary, classifyFile } from '@crosscheck/inference/batch';
import { partKey, receiptKey, type Stores } from './layout.ts';
import { localCopy } from './local-copy.ts';
import { imagePlaces, isOutage } from './pictures.ts';
import { inspectPart, type Receipt } from './receipt.ts';
import type { ScoreConfig } from './schema.ts';

export interface Worker {
  classifier: Classifier;
  stores: Stores;
  config: ScoreConfig;
  /** Told of rows that became `ERROR`. */
  warn: (message: string) => void;
}

/**
 * Judges one shard. Its part appears at once and only once, whoever else judges the same shard; the receipt follows when the part was
 * compared with the shard. A worker that dies in between leaves a part, of which the next one only writes the receipt.
 */
export async function scoreShard(shard: string, worker: Worker): Promise<Receipt> {
  const { shards, output } = worker.stores;
  const dir = makeTemporaryFolder('score');
  try {
    const shardFile = await localCopy(shards, shard, dir);
    const { partFile, failures } = await bringPart(shard, { shardFile, dir }, worker);
    const receipt = { ...(await inspectPart({ shard, shardFile, partFile, data: worker.config.data })), failures };
    await output.write(receiptKey(shard), Buffer.from(`${JSON.stringify(receipt)}\n`));
    return receipt;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** The part as it stands in the output, on this machine; why rows failed is known to the worker that judged them. */
async function bringPart(
  shard: string,
  { shardFile, dir }: { shardFile: string; dir: string },
  worker: Worker,
): Promise<{ partFile: string; failures: BatchSummary['failures'] }> {
  const { output } = worker.stores;
  const key = partKey(shard);
  if (!(await output.exists(key))) {
    const partFile = path.join(dir, `part-${path.basename(shard)}`);
    const { failures } = await judge(shardFile, partFile, shard, worker);
    if (await output.write(key, await readFile(partFile), { onlyIfAbsent: true })) return { partFile, failures };
  }
  return { partFile: await localCopy(output, key, await mkdtemp(path.join(dir, 'part-'))), failures: [] };
}

async function judge(shardFile: string, partFile: string, shard: string, { classifier, stores, config, warn }: Worker) {
  const { data, inference } = config;
  const { output, batch_processing } = inference;
  return classifyFile(classifier, {
    inputFile: shardFile,
    outputFile: partFile,
    mayBeEmpty: true,
    ...imagePlaces(config.score, stores.images),
    isFatal: isOutage,
    textColumn: data.text_column,
    imageColumn: data.image_column,
    labelColumn: data.label_column,
    encoding: data.encoding,
    delimiter: data.delimiter,
    labels: data.labels,
    nRows: -1,
    width: 2 * batch_processing.batch_size * classifier.stats().workers,
    columns: { probability: output.save_probabilities, confidence: output.save_confidence },
    abstain: output.abstain,
    onProblem: ({ line, message }) => warn(`${shard}:${line}: ${message}`),
  });
}
