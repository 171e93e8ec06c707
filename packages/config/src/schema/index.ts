import { z } from 'zod';
import { dataSchema } from './data.ts';
import { inferenceDataSchema, inferenceSchema, serveSchema } from './inference.ts';
import { modelSchema } from './model.ts';
import { evaluationSchema, exportSchema, mlflowSchema } from './outputs.ts';
import { trainingSchema } from './training.ts';

/** `configs/config.yaml`: what `train`, `evaluate` and `export` read. */
export const trainConfigSchema = z.strictObject({
  model: modelSchema.prefault({}),
  data: dataSchema.prefault({}),
  training: trainingSchema.prefault({}),
  mlflow: mlflowSchema.prefault({}),
  export: exportSchema.prefault({}),
  evaluation: evaluationSchema.prefault({}),
});

/** `configs/config_inference.yaml`: what `infer` and `serve` read. */
export const inferenceConfigSchema = z.strictObject({
  inference: inferenceSchema.prefault({}),
  data: inferenceDataSchema.prefault({}),
  serve: serveSchema.prefault({}),
});

export type TrainConfig = z.infer<typeof trainConfigSchema>;
export type InferenceConfig = z.infer<typeof inferenceConfigSchema>;
export type Phase = NonNullable<TrainConfig['training']['phases']>[number];
