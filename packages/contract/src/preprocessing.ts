import { z } from 'zod';

/** How a picture and a text become numbers. Stored in checkpoints and artifacts; training and serving read the same one. */
export const preprocessingSchema = z.strictObject({
  imageSize: z.int().positive().describe('pixels per side; the picture is stretched to a square'),
  mean: z.tuple([z.number(), z.number(), z.number()]).describe('per RGB channel, of values in [0, 1]'),
  std: z.tuple([z.number().positive(), z.number().positive(), z.number().positive()]),
  resize: z.literal('bilinear-antialias').describe("Pillow's BILINEAR with antialiasing"),
  maxTokens: z.int().min(3).describe('[CLS] and [SEP] included; longer texts are cut and keep [SEP]'),
  emptyText: z.string().min(1).describe('what a blank text becomes'),
});

export type Preprocessing = z.infer<typeof preprocessingSchema>;

/** ImageNet statistics and DistilBERT lengths, as the original uses them. */
export const defaultPreprocessing: Preprocessing = {
  imageSize: 224,
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
  resize: 'bilinear-antialias',
  maxTokens: 128,
  emptyText: '[EMPTY]',
};
