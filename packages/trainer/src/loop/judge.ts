import { setImmediate } from 'node:timers/promises';
import { sigmoid, throwIfStopped } from '@crosscheck/contract';
import { type Loader, noReadablePicture } from '@crosscheck/data';
import type { Model } from '@crosscheck/engine';
import { inRounds, onePerWorker, ownPart, type Rounds } from '../distributed/rounds.ts';
import { alone, type Workers } from '../distributed/workers.ts';
import { type FeatureSet, selectFeatures } from '../features/feature-set.ts';

/** The model's answers on a split, in the order of its samples. N readable samples. */
export interface Judged {
  /** [N] */
  logits: Float32Array;
  /** [N] probability of FAKE, before temperature scaling */
  probabilities: Float64Array;
  /** [N] */
  labels: Float32Array;
  /** [N] position of each row in the loader's samples */
  indices: Int32Array;
}

/** Yields the number of batches judged so far, returns the answers. */
export type Judging = AsyncGenerator<number, Judged>;

/** Rows of features that are judged at once. */
export const rowsPerPass = 256;

/** Judges every batch of a loader in evaluation mode; each worker its share, and all come to the same answers. */
export async function* judgeBatches(
  model: Pick<Model, 'predictLogits'>,
  loader: Loader,
  workers: Workers = alone,
): Judging {
  const answers: Answers = { logits: [], labels: [], indices: [] };
  const rounds = onePerWorker(workers, loader.batchesPerEpoch);
  for await (const { end, own } of inRounds(loader.batches(0, 0, ownPart(rounds)), rounds)) {
    for (const batch of own) {
      answers.logits.push(...model.predictLogits(batch));
      answers.labels.push(...batch.label);
      answers.indices.push(...batch.indices);
    }
    yield end;
  }
  return joinAnswers(answers, loader.size, workers);
}

/** Rows whose pictures and words stand beside each other's; every row's own where left out. */
export interface Pairing {
  image?: Int32Array;
  text?: Int32Array;
}

/** Judges features that were computed once; yields the number of passes. */
export async function* judgeFeatures(
  model: Model,
  features: FeatureSet,
  { image, text, workers = alone }: Pairing & { workers?: Workers } = {},
): Judging {
  const rows = Int32Array.from({ length: features.size }, (_, i) => i);
  const answers: Answers = { logits: [], labels: [], indices: [] };
  const rounds = onePerWorker(workers, Math.ceil(features.size / rowsPerPass));
  for await (const { end, own } of inRounds(places(rounds), rounds)) {
    for (const { position } of own) {
      const of = (all: Int32Array) => all.subarray(position * rowsPerPass, (position + 1) * rowsPerPass);
      const part = selectFeatures(features, { rows: of(image ?? rows), text: of(text ?? rows) });
      answers.logits.push(...model.predictLogitsFromFeatures(part));
      answers.labels.push(...features.label.subarray(position * rowsPerPass, (position + 1) * rowsPerPass));
      answers.indices.push(...of(rows));
    }
    yield end;
  }
  return joinAnswers(answers, features.size, workers);
}

async function* places(rounds: Rounds): AsyncGenerator<{ position: number }, void, undefined> {
  const isOwn = ownPart(rounds);
  for (let position = rounds.begin; position < rounds.end; position++) if (isOwn(position)) yield { position };
}

interface Answers {
  logits: number[];
  labels: number[];
  indices: number[];
}

/** Everybody's answers in the order of the samples. @throws CROSSCHECK_DATA_NO_SAMPLES when there are none */
async function joinAnswers(own: Answers, samples: number, workers: Workers): Promise<Judged> {
  const all = workers.world === 1 ? [own] : await workers.gather(own);
  const of = (key: keyof Answers) => all.flatMap((answers) => answers[key]);
  const [indices, logits, labels] = [of('indices'), of('logits'), of('labels')];
  if (indices.length === 0) throw noReadablePicture(samples);
  const order =
    workers.world === 1
      ? null
      : indices.map((_, i) => i).sort((a, b) => (indices[a] as number) - (indices[b] as number));
  // What is not finite has no form in JSON.
  const sorted = (values: number[]) => (order ? order.map((i) => values[i] ?? Number.NaN) : values);
  return {
    logits: Float32Array.from(sorted(logits)),
    probabilities: Float64Array.from(sorted(logits), sigmoid),
    labels: Float32Array.from(sorted(labels)),
    indices: Int32Array.from(sorted(indices)),
  };
}

/** Runs a judging to its end without showing its progress. */
export async function finishJudging(judging: Judging): Promise<Judged> {
  for (;;) {
    throwIfStopped();
    const next = await judging.next();
    if (next.done) return next.value;
    await setImmediate();
  }
}
