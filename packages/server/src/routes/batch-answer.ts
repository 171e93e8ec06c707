import type { AbstainBand } from '@crosscheck/contract';
import { type Prediction, withBand } from '@crosscheck/inference';
import { z } from 'zod';
import type { UploadedPost } from '../form/read-posts.ts';
import { type ErrorBody, toErrorBody } from '../http/error-body.ts';
import { answerSchema, type PredictAnswer, toAnswer } from './answer.ts';

/** The verdict of one post of a batch, or why there is none. */
type BatchItem = PredictAnswer | { filename: string; error: ErrorBody };

export const batchAnswerSchema = z.object({
  predictions: z.array(
    z.looseObject({ ...answerSchema.partial().shape, filename: z.string(), error: z.looseObject({}).optional() }),
  ),
  failed: z.int().describe('posts that carry an error'),
});

/** @throws the first error when no post could be judged */
export function toBatchAnswer(
  posts: UploadedPost[],
  results: PromiseSettledResult<Prediction[]>[],
  band: AbstainBand | null,
): { predictions: BatchItem[]; failed: number } {
  const errors = results.filter((result) => result.status === 'rejected').map(({ reason }) => reason as unknown);
  if (errors.length === results.length) throw errors[0];
  const predictions = posts.map(({ filename }, i): BatchItem => {
    const result = results[i] as PromiseSettledResult<[Prediction]>;
    if (result.status === 'rejected') return { filename, error: toErrorBody(result.reason) };
    return toAnswer(filename, withBand(result.value[0], band));
  });
  return { predictions, failed: errors.length };
}
