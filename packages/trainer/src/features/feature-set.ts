import type { Features, Presence, TrainingInput } from '@crosscheck/engine';
import { type RowStorage, storeInMemory } from './row-storage.ts';

/** What both backbones make of every readable sample of a split. N samples, V and T features; the marks of presence are [N], too. */
export interface FeatureSet extends Presence {
  size: number;
  /** [N] */
  label: Float32Array;
  /** @returns [n, V] of some rows; `views` says which of its augmented views each shows, the first one where left out */
  vision(rows: Int32Array, views?: Int32Array): Float32Array;
  /** @returns [n, T] of some rows */
  text(rows: Int32Array): Float32Array;
}

/** What the backbones make of one batch. */
export type EncodedBatch = Features & Presence & { label: Float32Array };

/** How wide the parts of a row are. */
export interface RowShape {
  vision: number;
  text: number;
  /** Augmented views of every picture. */
  views: number;
}

// A row is: label, marks of presence, text features, vision features of each view.
const columns = { label: 0, hasImage: 1, hasText: 2, text: 3 } as const;

export const rowWidth = ({ vision, text, views }: RowShape): number => columns.text + text + views * vision;
const visionColumn = ({ vision, text }: RowShape, view: number) => columns.text + text + view * vision;

/** Writes a batch from a row on. Of the views after the first one only the pictures' features count. */
// oxlint-disable-next-line max-params -- where, what shape, which rows, which view
export function writeBatch(
  storage: RowStorage,
  shape: RowShape,
  firstRow: number,
  batch: EncodedBatch,
  view = 0,
): void {
  for (let i = 0; i < batch.label.length; i++) {
    const row = firstRow + i;
    const vision = batch.vision.subarray(i * shape.vision, (i + 1) * shape.vision);
    storage.write(row, visionColumn(shape, view), vision);
    if (view > 0) continue;
    // NaN: nobody said whether the part is there.
    const marks = [batch.label[i], batch.hasImage?.[i] ?? Number.NaN, batch.hasText?.[i] ?? Number.NaN] as number[];
    storage.write(row, columns.label, Float32Array.from(marks));
    storage.write(row, columns.text, batch.text.subarray(i * shape.text, (i + 1) * shape.text));
  }
}

/** The features that a storage holds. */
export function readFeatures(storage: RowStorage, shape: RowShape, size: number): FeatureSet {
  const column = (from: number): Float32Array => {
    const values = new Float32Array(size);
    for (let row = 0; row < size; row++) storage.read(row, from, values.subarray(row, row + 1));
    return values;
  };
  const gather = (rows: Int32Array, width: number, from: (i: number) => number) => {
    const gathered = new Float32Array(rows.length * width);
    for (const [i, row] of rows.entries()) {
      storage.read(row, from(i), gathered.subarray(i * width, (i + 1) * width));
    }
    return gathered;
  };
  const mark = (name: 'hasImage' | 'hasText'): Presence => {
    const marks = column(columns[name]);
    return Number.isNaN(marks[0]) ? {} : { [name]: marks };
  };
  return {
    size,
    label: column(columns.label),
    ...mark('hasImage'),
    ...mark('hasText'),
    vision: (rows, views) => gather(rows, shape.vision, (i) => visionColumn(shape, views?.[i] ?? 0)),
    text: (rows) => gather(rows, shape.text, () => columns.text),
  };
}

/** The features of some batches as those of one set, in memory. */
export function joinFeatures(parts: readonly EncodedBatch[]): FeatureSet {
  const size = parts.reduce((sum, { label }) => sum + label.length, 0);
  const widths = { vision: parts[0]?.vision.length ?? 0, text: parts[0]?.text.length ?? 0 };
  const rows = parts[0]?.label.length ?? 1;
  const shape = { vision: widths.vision / rows, text: widths.text / rows, views: 1 };
  const storage = storeInMemory(size, rowWidth(shape));
  let row = 0;
  for (const part of parts) {
    writeBatch(storage, shape, row, part);
    row += part.label.length;
  }
  return readFeatures(storage, shape, size);
}

const pick = (values: Float32Array, rows: Int32Array) => Float32Array.from(rows, (row) => values[row] as number);

/** Which rows of a set stand beside each other; `text` puts other samples' words beside their pictures. */
export interface Selection {
  rows: Int32Array;
  text?: Int32Array;
  views?: Int32Array;
}

/** Some samples of a feature set as a training input. */
export function selectFeatures(
  set: FeatureSet,
  { rows, text = rows, views }: Selection,
): TrainingInput & {
  features: Features;
} {
  return {
    size: rows.length,
    label: pick(set.label, rows),
    ...(set.hasImage && { hasImage: pick(set.hasImage, rows) }),
    ...(set.hasText && { hasText: pick(set.hasText, text) }),
    features: { vision: set.vision(rows, views), text: set.text(text) },
  };
}
