import type { Architecture, Batch, Preprocessing } from '@crosscheck/contract';
import { CrosscheckError } from '@crosscheck/contract';
import type { ModelInputs } from '@crosscheck/inference';
import { padTokenIds } from '@crosscheck/preprocess';
import { normalizeAll, type ParityCase, parityCases, trainerBatch } from './samples.ts';

/** Largest |Δlogit| between the trainer's network and the exported one. */
export const maxLogitDifference = 1e-4;

/** Two computations of the same network. */
export interface Contestants {
  trainer: (batch: Batch) => Float32Array | Promise<Float32Array>;
  exported: (inputs: ModelInputs) => Promise<Float32Array>;
}

export interface ParityRow {
  sample: string;
  trainerLogit: number;
  exportedLogit: number;
  difference: number;
}

export interface ParityReport {
  rows: ParityRow[];
  maxLogitDifference: number;
}

/**
 * Runs both on fixed inputs and compares logits.
 *
 * @throws CROSSCHECK_EXPORT_PARITY naming the worst sample and its numbers
 */
export async function checkParity(
  contestants: Contestants,
  { preprocessing, architecture }: { preprocessing: Preprocessing; architecture: Architecture },
): Promise<ParityReport> {
  const rows: ParityRow[] = [];
  for (const parityCase of parityCases(preprocessing, architecture)) {
    rows.push(...(await compareCase(parityCase, preprocessing, contestants)));
  }
  const worst = rows.reduce((a, b) => (isFurther(b.difference, a.difference) ? b : a));
  if (isFurther(worst.difference, maxLogitDifference)) throw parityError(worst, rows);
  return { rows, maxLogitDifference: worst.difference };
}

/** NaN is further than any number, and not further than itself. */
function isFurther(a: number, b: number): boolean {
  return !Number.isNaN(b) && !(a <= b);
}

async function compareCase(
  parityCase: ParityCase,
  preprocessing: Preprocessing,
  { trainer, exported }: Contestants,
): Promise<ParityRow[]> {
  const padded = padTokenIds(parityCase.tokenIds, 0); // [B, L]
  const batch = trainerBatch(parityCase, preprocessing, padded);
  const trainerLogits = await trainer(batch); // [B]
  const image = normalizeAll(parityCase, preprocessing, 'nchw');
  const exportedLogits = await exported({ ...padded, size: batch.size, image }); // [B]
  return parityCase.pictures.map((_, i) => {
    const [trainerLogit, exportedLogit] = [trainerLogits[i] as number, exportedLogits[i] as number];
    const sample = batch.size === 1 ? parityCase.name : `${parityCase.name}, row ${i + 1}`;
    return { sample, trainerLogit, exportedLogit, difference: Math.abs(trainerLogit - exportedLogit) };
  });
}

function parityError(worst: ParityRow, rows: readonly ParityRow[]): CrosscheckError {
  const failed = rows.filter((row) => isFurther(row.difference, maxLogitDifference)).length;
  const message = `the exported network must agree with the trained one within ${maxLogitDifference}; ${failed} of ${rows.length} samples do not, the worst is "${worst.sample}": trained logit ${worst.trainerLogit}, exported ${worst.exportedLogit}, difference ${worst.difference}. Nothing was written; please report this with the checkpoint's architecture`;
  return new CrosscheckError('CROSSCHECK_EXPORT_PARITY', message);
}
