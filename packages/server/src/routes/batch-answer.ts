import { z } from 'zod';
import type { ErrorBody } from '../http/error-body.ts';
import { type Answer, answerSchema } from './answer.ts';

/** The verdict of one post of a batch, or why there is none. */
export type BatchItem = Answer | { filename: string; error: ErrorBody };

export const batchAnswerSchema = z.object({
  predictions: z.array(
    z.looseObject({ ...answerSchema.partial().shape, filename: z.string(), error: z.looseObject({}).optional() }),
  ),
  failed: z.int().describe('posts that carry an error'),
});
