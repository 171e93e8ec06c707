import { type AbstainBand, artifactFiles, CrosscheckError } from '@crosscheck/contract';
import { type Classifier, requireBand } from '@crosscheck/inference';
import { type ObjectStore, readAll } from '@crosscheck/storage';
import { jobKey } from './layout.ts';
import type { ScoreConfig } from './schema.ts';

/** What every worker of a job must agree on; other results may not be mixed into its output. */
export interface Job {
  shards: readonly string[];
  /** sha256 of the network's weights. */
  model: string;
  threshold: number;
  temperature: number;
  /** Where UNSURE is written; null where that is not asked for. */
  abstainBand: AbstainBand | null;
  maxTokens: number | null;
  tokenizer: string | null;
  textColumn: string;
  imageColumn: string;
  labelColumn: string;
  probability: boolean;
  confidence: boolean;
  /** How the posts are read, where the user says so. */
  encoding?: string;
  delimiter?: string;
}

export function describeJob(
  shards: readonly string[],
  classifier: Classifier,
  { inference: { text, output }, data }: ScoreConfig,
): Job {
  const { artifact, threshold } = classifier;
  return {
    shards,
    model: artifact.sha256[artifactFiles.onnxData] ?? '',
    threshold,
    temperature: artifact.temperature,
    abstainBand: output.abstain ? requireBand(classifier) : null,
    maxTokens: text.max_length,
    tokenizer: text.tokenizer,
    textColumn: data.text_column,
    imageColumn: data.image_column,
    labelColumn: data.label_column,
    probability: output.save_probabilities,
    confidence: output.save_confidence,
    ...(data.encoding !== 'auto' && { encoding: data.encoding }),
    ...(data.delimiter !== null && { delimiter: data.delimiter }),
  };
}

/**
 * Puts the job's description into its output, or compares it with the one that is there.
 *
 * @throws CROSSCHECK_SCORE_OTHER_JOB
 */
export async function joinJob(output: ObjectStore, job: Job): Promise<void> {
  const bytes = Buffer.from(`${JSON.stringify(job, null, 2)}\n`);
  if (await output.write(jobKey, bytes, { onlyIfAbsent: true })) return;
  const found = JSON.parse((await readAll(output, jobKey)).toString()) as Record<string, unknown>;
  const differs = Object.entries(job).filter(([key, value]) => JSON.stringify(found[key]) !== JSON.stringify(value));
  if (differs.length === 0) return;
  const message = `expected results of this job in ${output.url}, found those of another one: ${differs.map(([key, value]) => `${key} is ${shorten(found[key])} there and ${shorten(value)} here`).join(', ')}; choose another score.output, or remove it`;
  throw new CrosscheckError('CROSSCHECK_SCORE_OTHER_JOB', message);
}

function shorten(value: unknown): string {
  if (Array.isArray(value)) return `${value.length} of ${String(value[0])}…${String(value.at(-1))}`;
  return JSON.stringify(value) ?? 'nothing';
}
