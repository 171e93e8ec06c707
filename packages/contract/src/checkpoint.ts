import { z } from 'zod';
import { architectureSchema } from './architecture.ts';
import { labelMapSchema } from './artifact.ts';
import { decisionShape } from './decision.ts';
import { preprocessingSchema } from './preprocessing.ts';

/**
 * What a checkpoint says about itself. In the `.safetensors` file it stands in `__metadata__` as JSON under the key `crosscheck`
 * (safetensors metadata is a map of strings).
 */
export const checkpointMetadataSchema = z.object({
  formatVersion: z.literal(1),
  version: z.string(),
  createdAt: z.iso.datetime(),
  labels: labelMapSchema,
  preprocessing: preprocessingSchema,
  architecture: architectureSchema,
  ...decisionShape,
  metrics: z.record(z.string(), z.number()),
  tokenizer: z
    .string()
    .nullable()
    .describe('the tokenizer.json text itself, so that a checkpoint is complete on its own'),
  config: z.unknown().describe('the composed config of the run'),
  configOrigins: z
    .record(z.string(), z.string())
    .default({})
    .describe('config key → file:line or override that set it'),
  runId: z.string().nullable(),
  epoch: z.int().nullable(),
  step: z.int().nullable(),
});

export type CheckpointMetadata = z.infer<typeof checkpointMetadataSchema>;
