import { stopSignal } from '@crosscheck/contract';
import { tf } from '@crosscheck/tensorflow';
import { trainableIn } from '../loop/blocks.ts';
import {
  disposeSums,
  type PartOutcome,
  type StepOptions,
  type StepPlace,
  type StepSums,
} from '../loop/step/step-sums.ts';

/**
 * What every worker's parts of a step add up to. Gradients are reduced as tensors; everything that decides anything (losses, answers, whether
 * to stop) and the running statistics travel beside them as numbers that are never rounded. The sums that are given are freed.
 */
export async function sumOverWorkers(options: StepOptions, own: StepSums, place: StepPlace): Promise<StepSums> {
  if (options.workers.world === 1) return own;
  const layout = layoutOf(options, own, place);
  const given = gradientsInOrder(options, own, layout.names);
  const vector = layout.open();
  write(vector, own, layout);
  disposeSums({ gradients: new Map(), statistics: own.statistics });
  try {
    const { tensors, also } = await options.workers.sum(given, vector.all);
    return read(layout, tensors, layout.open(also));
  } finally {
    tf.dispose(given);
  }
}

/** Where what stands in the vector that goes beside the gradients. */
interface Vector {
  all: Float32Array;
  /** [1] workers that were asked to stop */
  stops: Float32Array;
  /** [P] samples of each part */
  counts: Float32Array;
  /** [P] */
  losses: Float32Array;
  /** [P · B] */
  logits: Float32Array;
  /** [P · B] */
  labels: Float32Array;
  /** [N] workers that have a gradient of each variable */
  gradients: Float32Array;
  /** One statistic after the other. */
  statistics: Float32Array;
}

interface Layout {
  /** Of the variables that learn. */
  names: string[];
  /** Of the running statistics that move. */
  moving: [name: string, shape: number[], size: number][];
  batchSize: number;
  unit: number;
  open(values?: Float32Array): Vector;
}

/** The same on every worker, whatever parts it has. */
function layoutOf({ model, phase, frozenBatchNorm }: StepOptions, { unit }: StepSums, place: StepPlace): Layout {
  const { batchSize, freeze, accumulateSteps: parts } = phase;
  const names = trainableIn(model, phase, place.epoch);
  const areKept = freeze.vision && frozenBatchNorm === 'keep';
  const moving = areKept ? [] : Array.from(model.buffers, ([name, { shape, size }]) => [name, shape, size] as const);
  const lengths = {
    stops: 1,
    counts: parts,
    losses: parts,
    logits: parts * batchSize,
    labels: parts * batchSize,
    gradients: names.length,
    statistics: moving.reduce((sum, [, , size]) => sum + size, 0),
  };
  return { names, moving: moving as Layout['moving'], batchSize, unit, open: (values) => openVector(lengths, values) };
}

function openVector(lengths: Record<Exclude<keyof Vector, 'all'>, number>, values?: Float32Array): Vector {
  const all = values ?? new Float32Array(Object.values(lengths).reduce((sum, length) => sum + length, 0));
  let begin = 0;
  const views = Object.entries(lengths).map(([name, length]) => [name, all.subarray(begin, (begin += length))]);
  return { all, ...Object.fromEntries(views) } as Vector;
}

/** Zeros where this worker has none. */
function gradientsInOrder({ model }: StepOptions, { gradients }: StepSums, names: readonly string[]): tf.Tensor[] {
  return names.map((name) => gradients.get(name) ?? tf.zeros(model.variables.get(name)?.shape ?? []));
}

function write(vector: Vector, own: StepSums, { names, moving, batchSize }: Layout): void {
  vector.stops[0] = stopSignal() === null ? 0 : 1;
  for (const { index, loss, logits, labels } of own.parts) {
    vector.counts[index] = labels.length;
    vector.losses[index] = loss;
    vector.logits.set(logits, index * batchSize);
    vector.labels.set(labels, index * batchSize);
  }
  vector.gradients.set(names.map((name) => (own.gradients.has(name) ? 1 : 0)));
  if (own.parts.length > 0 && moving.length > 0) vector.statistics.set(inARow(own, moving));
}

/** All statistics, read from the device at once. */
function inARow({ statistics }: StepSums, moving: Layout['moving']): Float32Array {
  const row = tf.tidy(() => tf.concat(moving.map(([name]) => tf.reshape(statistics.get(name) as tf.Tensor, [-1]))));
  const values = row.dataSync() as Float32Array;
  row.dispose();
  return values;
}

function read({ names, moving, batchSize, unit }: Layout, tensors: tf.Tensor[], vector: Vector): StepSums {
  const isThere = (i: number) => (vector.gradients[i] as number) > 0;
  tf.dispose(tensors.filter((_, i) => !isThere(i)));
  let begin = 0;
  const take = (size: number) => vector.statistics.slice(begin, (begin += size));
  const parts = Array.from(vector.counts, (count, index) => partOf(vector, { index, count, batchSize }));
  return {
    gradients: new Map(names.flatMap((name, i) => (isThere(i) ? [[name, tensors[i] as tf.Tensor]] : []))),
    statistics: new Map(moving.map(([name, shape, size]) => [name, tf.tensor(take(size), shape)])),
    unit,
    parts: parts.filter(({ labels }) => labels.length > 0),
    isToStop: (vector.stops[0] as number) > 0,
  };
}

function partOf(
  { losses, logits, labels }: Vector,
  { index, count, batchSize }: { index: number; count: number; batchSize: number },
): PartOutcome {
  const [begin, end] = [index * batchSize, index * batchSize + count];
  return { index, loss: losses[index] as number, logits: logits.slice(begin, end), labels: labels.slice(begin, end) };
}
