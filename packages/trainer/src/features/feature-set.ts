import type { Features, ModelInput, Presence, TrainingInput } from '@crosscheck/engine';
import type { RowStorage } from './row-storage.ts';

/** What both backbones make of every readable sample of a split. N samples, V and T features; the marks of presence are [N], too. */
export interface FeatureSet extends Presence {
  size: number;
  /** [N] */
  label: Float32Array;
  /** @returns [n, V] of some rows; `views` says which of its augmented views each shows, the first one where left out */
  vision(rows: Int32Array, views?: Int32Array): Float32Array;
  /** Of some rows. */
  text(rows: Int32Array): TextFeatures;
}

/** [n, T]; or [n, L, T] of every token with zeros on padding, and the mask that says which are tokens, [n, L]. */
interface TextFeatures extends Partial<Pick<ModelInput, 'length' | 'attentionMask'>> {
  features: Float32Array;
}

/** What the backbones make of one batch; with its tokens where features are those of tokens. */
export type FeatureBatch = Features &
  Presence &
  Partial<Pick<ModelInput, 'length' | 'attentionMask'>> & { label: Float32Array };

/** How wide the parts of a row are. */
export interface RowShape {
  /** V */
  vision: number;
  /** T */
  text: number;
  /** Places of a text whose every token has features, and what a batch's are rounded up to; null where a text has one vector. */
  tokens: { places: number; multiple: number } | null;
  /** Augmented views of every picture. */
  views: number;
}

// A row is: label, marks of presence, text features, their mask where they are those of tokens, vision features of each view.
const columns = { label: 0, hasImage: 1, hasText: 2, text: 3 } as const;

const textWidth = ({ text, tokens }: RowShape) => (tokens?.places ?? 1) * text;
const maskColumn = (shape: RowShape) => columns.text + textWidth(shape);
const visionColumn = (shape: RowShape, view: number) =>
  maskColumn(shape) + (shape.tokens?.places ?? 0) + view * shape.vision;

export const rowWidth = (shape: RowShape): number => visionColumn(shape, shape.views);

/** Writes a batch from a row on. Of the views after the first one only the pictures' features count. */
// oxlint-disable-next-line max-params -- where, what shape, which rows, which view
export function writeBatch(
  storage: RowStorage,
  shape: RowShape,
  firstRow: number,
  batch: FeatureBatch,
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
    storage.write(row, columns.text, textRow(shape, batch, i));
  }
}

/** Puts a row of one view, as `writeBatch` writes it where there is only one, in its place among all views. */
// oxlint-disable-next-line max-params -- where, what shape, which row, its numbers, which view
export function copyRow(storage: RowStorage, shape: RowShape, row: number, values: Float32Array, view: number): void {
  const vision = visionColumn(shape, 0);
  if (view === 0) storage.write(row, 0, values.subarray(0, vision));
  storage.write(row, visionColumn(shape, view), values.subarray(vision));
}

/** A text's features, and for tokens as many places as the longest text has, then their mask. */
function textRow(shape: RowShape, { text, length = 1, attentionMask }: FeatureBatch, i: number): Float32Array {
  const places = shape.tokens === null ? 1 : length;
  const own = text.subarray(i * places * shape.text, (i + 1) * places * shape.text);
  if (shape.tokens === null || !attentionMask) return own;
  const row = new Float32Array(textWidth(shape) + shape.tokens.places);
  row.set(own);
  row.set(attentionMask.subarray(i * length, (i + 1) * length), textWidth(shape));
  return row;
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
    text(rows) {
      const { tokens } = shape;
      if (tokens === null) return { features: gather(rows, shape.text, () => columns.text) };
      const mask = gather(rows, tokens.places, () => maskColumn(shape));
      const length = longestText(mask, tokens);
      const attentionMask = Int32Array.from({ length: rows.length * length }, (_, i) =>
        Number(mask[Math.floor(i / length) * tokens.places + (i % length)]),
      );
      return { features: gather(rows, length * shape.text, () => columns.text), length, attentionMask };
    },
  };
}

/** Places up to the last token of any text, rounded up as a loader does: masks of dropout follow from the length. */
function longestText(mask: Float32Array, { places, multiple }: NonNullable<RowShape['tokens']>): number {
  const last = mask.reduce((most, isToken, i) => (isToken === 0 ? most : Math.max(most, i % places)), 0);
  return Math.min(places, Math.ceil((last + 1) / multiple) * multiple);
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
  const { features: words, ...tokens } = set.text(text);
  return {
    size: rows.length,
    label: pick(set.label, rows),
    ...tokens,
    ...(set.hasImage && { hasImage: pick(set.hasImage, rows) }),
    ...(set.hasText && { hasText: pick(set.hasText, text) }),
    features: { vision: set.vision(rows, views), text: words },
  };
}
