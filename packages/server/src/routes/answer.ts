import { labelNames } from '@crosscheck/contract';
import type { MaybePrediction } from '@crosscheck/inference';
import { z } from 'zod';

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
