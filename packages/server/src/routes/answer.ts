import { type AbstainBand, labelNames } from '@crosscheck/contract';
import { type MaybePrediction, type Prediction, withBand } from '@crosscheck/inference';
import { z } from 'zod';
import type { UploadedPost } from '../form/read-posts.ts';
import { type ErrorBody, toErrorBody } from '../http/error-body.ts';

const probability = z.number().min(0).max(1);

/** Answer of `POST /predict`, name for name the original's. */
export const answerSchema = z
  .object({
    filename: z.string().describe('of the picture, as it was uploaded'),
    prediction: z
      .enum([...labelNames, 'UNSURE'])
      .describe(
        'FAKE iff probability_fake is above the threshold of the model; UNSURE only for requests that ask for it',
      ),
    probability_fake: probability,
    confidence: probability.describe('probability of the label given; of the nearer one when UNSURE'),
    label_id: z.int().min(-1).max(1).describe('0 = REAL, 1 = FAKE, -1 = UNSURE'),
    modalities: z
      .array(z.enum(['image', 'text']))
      .optional()
      .describe('only for posts that lack a part: what the verdict rests on'),
  })
  .meta({
    title: 'Answer',
    examples: [{ filename: 'frog.jpg', prediction: 'REAL', probability_fake: 0.1527, confidence: 0.8473, label_id: 0 }],
  });

export type PredictAnswer = z.infer<typeof answerSchema>;

export function toAnswer(
  filename: string,
  { prediction, probabilityFake, confidence, labelId, modalities }: MaybePrediction,
): PredictAnswer {
  return {
    filename,
    prediction,
    probability_fake: probabilityFake,
    confidence,
    label_id: labelId,
    ...(modalities && { modalities }),
  };
}

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
