import { labelNames } from '@crosscheck/contract';
import type { Prediction } from '@crosscheck/inference';
import { z } from 'zod';

const probability = z.number().min(0).max(1);

/** Answer of `POST /predict`, name for name the original's. */
export const answerSchema = z
  .object({
    filename: z.string().describe('of the picture, as it was uploaded'),
    prediction: z.enum(labelNames).describe('FAKE iff probability_fake is above the threshold of the model'),
    probability_fake: probability,
    confidence: probability.describe('probability of the label given'),
    label_id: z.int().min(0).max(1).describe('0 = REAL, 1 = FAKE'),
  })
  .meta({
    title: 'Answer',
    examples: [{ filename: 'frog.jpg', prediction: 'REAL', probability_fake: 0.1527, confidence: 0.8473, label_id: 0 }],
  });

export type Answer = z.infer<typeof answerSchema>;

export function toAnswer(filename: string, { prediction, probabilityFake, confidence, labelId }: Prediction): Answer {
  return { filename, prediction, probability_fake: probabilityFake, confidence, label_id: labelId };
}
