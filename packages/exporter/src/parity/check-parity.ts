import type { Batch, Preprocessing } from '@crosscheck/contract';
import { CrosscheckError } from '@crosscheck/contract';
import type { ModelInputs } from '@crosscheck/inference';
import { padTokenIds } from '@crosscheck/preprocess';
import { normalizeAll, type ParityCase, trainerBatch } from './samples.ts';

/** Largest |Δlogit| between the trainer's network and the exported one. */
export const maxLogitDifference = 1e-4;

interface ParityRow {
  sample: string;
  trainerLogit: number;
  exportedLogit: number;
  difference: number;
}

export interface ParityReport {
  rows: ParityRow[];
  maxLogitDifference: number;
}

/** Logits of every case, as the trainer computes them. */
export function trainerLogits(
  cases: readonly ParityCase[],
  preprocessing: Preprocessing,
  predict: (batch: Batch) => Float32Array,
): Float32Array[] {
  return cases.map((parityCase) =>
    predict(trainerBatch(parityCase, preprocessing, padTokenIds(parityCase.tokenIds, 0))),
  );
}

/** Logits of every case, as the exported network computes them. */
export async function exportedLogits(
  cases: readonly ParityCase[],
  preprocessing: Preprocessing,
  run: (inputs: ModelInputs) => Promise<Float32Array>,
): Promise<Float32Array[]> {
  const logits: Float32Array[] = [];
  for (const parityCase of cases) {
    logits.push(await run(exportedInputs(parityCase, preprocessing)));
  }
  return logits;
}

/** The case as the exported network takes it: NCHW, NaN for a picture that is not there, no token where there are no words. */
function exportedInputs(parityCase: ParityCase, preprocessing: Preprocessing): ModelInputs {
  const size = parityCase.pictures.length;
  const image = normalizeAll(parityCase, preprocessing, 'nchw'); // [B, 3, S, S]
  const padded = padTokenIds(parityCase.tokenIds, 0); // [B, L]
  const fillAbsent = (array: Float32Array | Int32Array, value: number, has?: Float32Array) =>
    has?.forEach((isThere, row) => {
      const width = array.length / size;
      if (isThere === 0) array.fill(value, row * width, (row + 1) * width);
    });
  fillAbsent(image, Number.NaN, parityCase.presence?.hasImage);
  fillAbsent(padded.attentionMask, 0, parityCase.presence?.hasText);
  return { ...padded, size, image };
}

/**
 * Compares the two.
 *
 * @throws CROSSCHECK_EXPORT_PARITY naming the worst sample and its numbers
 */
export function checkParity(
  cases: readonly ParityCase[],
  trained: readonly Float32Array[],
  exported: readonly Float32Array[],
): ParityReport {
  const rows = cases.flatMap(({ name, pictures }, c) =>
    pictures.map((_, i) => {
      const [trainerLogit, exportedLogit] = [trained[c]?.[i] ?? Number.NaN, exported[c]?.[i] ?? Number.NaN];
      const sample = pictures.length === 1 ? name : `${name}, row ${i + 1}`;
      return { sample, trainerLogit, exportedLogit, difference: Math.abs(trainerLogit - exportedLogit) };
    }),
  );
  const worst = rows.reduce((a, b) => (isFurther(b.difference, a.difference) ? b : a));
  if (isFurther(worst.difference, maxLogitDifference)) throw parityError(worst, rows);
  return { rows, maxLogitDifference: worst.difference };
}

/** NaN is further than any number, and not further than itself. */
function isFurther(a: number, b: number): boolean {
  return !Number.isNaN(b) && !(a <= b);
}

function parityError(worst: ParityRow, rows: readonly ParityRow[]): CrosscheckError {
  const failed = rows.filter((row) => isFurther(row.difference, maxLogitDifference)).length;
  const message = `the exported network must agree with the trained one within ${maxLogitDifference}; ${failed} of ${rows.length} samples do not, the worst is "${worst.sample}": trained logit ${worst.trainerLogit}, exported ${worst.exportedLogit}, difference ${worst.difference}. Nothing was written; a NaN means that training diverged, anything else please report with the checkpoint's architecture`;
  return new CrosscheckError('CROSSCHECK_EXPORT_PARITY', message);
}
