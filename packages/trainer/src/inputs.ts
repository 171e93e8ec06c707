import { epochOrder, type LoadedBatch, type Loader, type OrderOptions } from '@crosscheck/data';
import type { Features, Model, Presence, TrainingInput } from '@crosscheck/model';
import type { Events } from './events.ts';
import type { Phase } from './phases.ts';
import { joinArrays } from './take-step.ts';

/** A training input and its place in the epoch, from 0. */
export type PlacedInput = TrainingInput & { position: number };

/** Where the training steps of a phase get their inputs from: pixels and tokens, or features that were computed once. */
export interface InputSource {
  /** Inputs of one epoch from a batch on; the same for the same (epoch, batch), wherever it is entered. */
  inputs(epoch: number, startBatch: number): AsyncGenerator<PlacedInput>;
}

export function pixelInputs(loader: Loader): InputSource {
  return {
    inputs: (epoch, startBatch) => loader.batches(epoch, startBatch),
  };
}

/** What both backbones make of every readable sample of a split. N samples, V and T features; the marks of presence are [N], too. */
export interface FeatureSet extends Presence {
  size: number;
  /** [N, V] */
  vision: Float32Array;
  /** [N, T] */
  text: Float32Array;
  /** [N] */
  label: Float32Array;
}

/** The marks of presence that are given, each made into something else. */
function mapPresence(given: Presence, change: (key: keyof Presence, marks: Float32Array) => Float32Array): Presence {
  const keys = ['hasImage', 'hasText'] as const;
  return Object.fromEntries(keys.flatMap((key) => (given[key] ? [[key, change(key, given[key])]] : [])));
}

/**
 * Runs the backbones once over a split, in the order of its samples: a batch's composition moves the last bits of a feature, so a
 * fixed order is what makes a resumed run equal an uninterrupted one.
 *
 * @returns null when told to stop
 */
export async function* extractFeatures(model: Model, loader: Loader, phase: Phase): Events<FeatureSet | null> {
  const parts: EncodedBatch[] = [];
  const total = loader.batchesPerEpoch;
  for await (const batch of loader.batches(0)) {
    parts.push(encodeBatch(model, batch));
    const command = yield { kind: 'progress', phase, what: 'features', done: parts.length, total };
    if (command === 'stop-run') return null;
  }
  return joinFeatures(parts);
}

export type EncodedBatch = Omit<FeatureSet, 'size'>;

/** What both backbones make of one batch. */
export function encodeBatch(model: Model, batch: LoadedBatch): EncodedBatch {
  return { ...model.encode(batch), label: batch.label, ...mapPresence(batch, (_, marks) => marks) };
}

/** The features of some batches as those of one set. */
export function joinFeatures(parts: readonly EncodedBatch[]): FeatureSet {
  const join = (key: Exclude<keyof FeatureSet, 'size'>) => joinArrays(parts.map((part) => part[key] as Float32Array));
  const label = join('label');
  return {
    size: label.length,
    vision: join('vision'),
    text: join('text'),
    label,
    ...mapPresence(parts[0] ?? {}, join),
  };
}

/** Rows of a matrix [N, W] by their positions. */
function gatherRows(matrix: Float32Array, rows: Int32Array, width: number): Float32Array {
  const gathered = new Float32Array(rows.length * width);
  rows.forEach((row, i) => gathered.set(matrix.subarray(row * width, (row + 1) * width), i * width));
  return gathered;
}

/** Some samples of a feature set as a training input; `textRows` puts other samples' words beside their pictures. */
export function selectFeatures(
  set: FeatureSet,
  rows: Int32Array,
  textRows: Int32Array = rows,
): TrainingInput & { features: Features } {
  const [visionWidth, textWidth] = [set.vision.length / set.size, set.text.length / set.size];
  return {
    size: rows.length,
    label: gatherRows(set.label, rows, 1),
    ...mapPresence(set, (key, marks) => gatherRows(marks, key === 'hasImage' ? rows : textRows, 1)),
    features: { vision: gatherRows(set.vision, rows, visionWidth), text: gatherRows(set.text, textRows, textWidth) },
  };
}

/** Features in the order in which a loader would give their samples. */
export function featureInputs(set: () => FeatureSet, order: OrderOptions & { batchSize: number }): InputSource {
  const { batchSize } = order;
  return {
    async *inputs(epoch, startBatch) {
      const features = set();
      const rows = epochOrder(features.label, epoch, order);
      for (let position = startBatch; position * batchSize < rows.length; position++) {
        const batch = rows.subarray(position * batchSize, (position + 1) * batchSize);
        yield { ...selectFeatures(features, batch), position };
      }
    },
  };
}
