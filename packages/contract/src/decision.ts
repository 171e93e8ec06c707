import { z } from 'zod';

const share = z.number().min(0).max(1);
const quality = z.strictObject({ loss: z.number(), brier: z.number(), ece: z.number() });

/** Probabilities of FAKE from `low` to `high` are too close to the threshold to say; both ends belong to it. */
export const abstainBandSchema = z
  .strictObject({ low: share, high: share })
  .refine(({ low, high }) => low <= high, 'low must not lie above high');

export type AbstainBand = z.infer<typeof abstainBandSchema>;

/**
 * Rows of a CSV: the file by its sha256, and which part of it. Each step of `part` reads `how:which`; parts that were made alike and
 * called differently have no row in common.
 *
 * @example { file: '9f86d0…', part: ['train_split=0.8:val', 'holdout=0.5:kept'] }
 */
export const rowSetSchema = z.strictObject({ file: z.string(), part: z.array(z.string()) });

export type RowSet = z.infer<typeof rowSetSchema>;

/** Which rows a checkpoint has seen: those it was trained on, those that chose its epoch, and the share kept from both. */
export const seenRowsSchema = z.strictObject({ train: rowSetSchema, val: rowSetSchema, holdout: share });

export type SeenRows = z.infer<typeof seenRowsSchema>;

/** How temperature, threshold and abstain band came about. */
export const calibrationSchema = z.strictObject({
  split: z.string().describe('name of the split that they were fitted on'),
  rows: rowSetSchema,
  posts: z.int().positive(),
  usedBefore: z.array(z.enum(['training', 'choosing the checkpoint'])).describe('what the rows were used for before'),
  temperature: z.string().describe('how it was found'),
  threshold: z.string().describe('how it was found'),
  abstain: z.string().describe('how the band was found'),
  before: quality.describe('on those rows, at temperature 1'),
  after: quality,
  coverage: share.nullable().describe('share of those rows outside the band'),
  accuracy: share.nullable().describe('of the verdicts outside the band'),
});

export type Calibration = z.infer<typeof calibrationSchema>;

/** What turns a logit into a verdict, in checkpoints and artifacts alike. */
export const decisionShape = {
  threshold: z.number().min(0).max(1).describe('FAKE iff the probability is above it'),
  temperature: z.number().positive().describe('probability = sigmoid(logit / temperature)'),
  abstainBand: abstainBandSchema.optional().describe('UNSURE in here, for those who ask for it'),
  calibration: calibrationSchema.optional(),
  seenRows: seenRowsSchema.optional(),
};

export type Decision = z.infer<z.ZodObject<typeof decisionShape>>;

/** The decision alone, of a checkpoint's or artifact's description. */
export function decisionOf({ threshold, temperature, abstainBand, calibration, seenRows }: Decision): Decision {
  return {
    threshold,
    temperature,
    ...(abstainBand && { abstainBand }),
    ...(calibration && { calibration }),
    ...(seenRows && { seenRows }),
  };
}
