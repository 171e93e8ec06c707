import { z } from 'zod';

/** `configs/config_compare.yaml`: what `compare` reads. */
export const compareConfigSchema = z.strictObject({
  compare: z
    .strictObject({
      runs: z
        .array(z.string().min(1))
        .default([])
        .describe('two run folders of train or evaluate; pnpm compare A B says the same'),
      split: z
        .enum(['train', 'val', 'test'])
        .nullable()
        .default(null)
        .describe('which verdicts to compare; null = test, val or train, the first that both runs have'),
      resamples: z.int().min(100).default(1000).describe('bootstrap resamples of the 95 % intervals'),
      seed: z.int().min(0).default(42).describe('of the resamples'),
      output_dir: z
        .string()
        .nullable()
        .default(null)
        .describe('folder of compare.html and compare.json; null = the run folder'),
    })
    .prefault({}),
});

export type CompareConfig = z.infer<typeof compareConfigSchema>;
