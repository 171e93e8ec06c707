import { z } from 'zod';
import { dataSchema } from './data.ts';
import { inferenceDataSchema, inferenceSchema, serveSchema } from './inference.ts';
import { modelSchema } from './model.ts';
import { calibrationSchema, evaluationSchema, exportSchema, mlflowSchema, suspectsSchema } from './outputs.ts';
import { trainingSchema } from './training.ts';

const trainSections = z.strictObject({
  model: modelSchema.prefault({}),
  data: dataSchema.prefault({}),
  training: trainingSchema.prefault({}),
  mlflow: mlflowSchema.prefault({}),
  export: exportSchema.prefault({}),
  calibration: calibrationSchema.prefault({}),
  evaluation: evaluationSchema.prefault({}),
  suspects: suspectsSchema.prefault({}),
});

/** `configs/config.yaml`: what `train`, `evaluate` and `export` read. */
export const trainConfigSchema = trainSections.superRefine(requireStandIns);

/** What is dropped must have something to stand in its place. */
function requireStandIns({ model, training }: z.infer<typeof trainSections>, context: z.RefinementCtx): void {
  const { image, text } = training.modality_dropout;
  if (image + text === 0 || model.missing_modality === 'learned') return;
  const message =
    'dropping pictures or words needs model.missing_modality=learned, which adds the vectors that stand in their place';
  context.addIssue({ code: 'custom', path: ['training', 'modality_dropout'], message });
}

/** `configs/config_inference.yaml`: what `infer` and `serve` read. */
export const inferenceConfigSchema = z.strictObject({
  inference: inferenceSchema.prefault({}),
  data: inferenceDataSchema.prefault({}),
  serve: serveSchema.prefault({}),
});

export type TrainConfig = z.infer<typeof trainConfigSchema>;
export type InferenceConfig = z.infer<typeof inferenceConfigSchema>;
export type Phase = NonNullable<TrainConfig['training']['phases']>[string];
