import { z } from 'zod';

/** `mlflow.*`: where runs are tracked. */
export const mlflowSchema = z.strictObject({
  enabled: z.boolean().default(true).describe('track the run'),
  tracking_uri: z
    .string()
    .nullable()
    .default('sqlite:///mlflow.db')
    .describe('MLflow server or store; by default training.tracking_uri'),
  experiment_name: z
    .string()
    .min(1)
    .default('multimodal_fake_news_detection')
    .describe('by default training.experiment_name'),
  log_model: z
    .boolean()
    .default(true)
    .describe('export the best checkpoint to ONNX when training ends and keep it as a logged model'),
  registered_model_name: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .describe('also register that model under this name; null = do not'),
  registered_model_alias: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .describe('alias of the registered version, such as champion; null = none'),
  system_metrics: z.boolean().default(true).describe('also log what CPU, memory, disk, network and GPUs do'),
  run_name: z.string().nullable().default(null).describe('name of the run; null = run_<version>'),
});

/** `export.*`: from a checkpoint to an artifact folder. */
export const exportSchema = z.strictObject({
  checkpoint: z
    .string()
    .nullable()
    .default(null)
    .describe('checkpoint to export; null = best_model_<version> in training.checkpoint_dir'),
  output_dir: z.string().min(1).default('artifact').describe('the artifact folder'),
  tokenizer: z.string().nullable().default(null).describe("tokenizer to put in; null = the checkpoint's own"),
  precision: z
    .enum(['fp32', 'fp16', 'int8'])
    .default('fp32')
    .describe('number format: fp16 halves the file, int8 also the time; both are compared with fp32 on real posts'),
  calibration_rows: z.int().min(1).default(64).describe('validation posts whose pictures int8 is calibrated on'),
  comparison_rows: z.int().min(1).default(500).describe('test posts on which fp16 and int8 are compared with fp32'),
  opset: z.int().min(18).max(23).default(18).describe('ONNX operator set'),
});

/** `evaluation.*`: judging a whole split with a trained model. */
export const evaluationSchema = z.strictObject({
  checkpoint: z
    .string()
    .nullable()
    .default(null)
    .describe('checkpoint or artifact folder; null = best_model_<version> in training.checkpoint_dir'),
  split: z.enum(['train', 'val', 'test']).default('test').describe('which CSV to judge'),
  output_dir: z.string().nullable().default(null).describe('folder of eval_results.json; null = the run folder'),
  ablations: z.boolean().default(true).describe('also judge with the picture, the words, or the pairing taken away'),
  group_column: z.string().nullable().default(null).describe('CSV column to make a table by, such as domain'),
  post_column: z
    .string()
    .nullable()
    .default(null)
    .describe(
      'CSV column that names the post of a row: rows of one post are judged together; null = one row, one post',
    ),
  aggregation: z
    .enum(['mean', 'max'])
    .default('mean')
    .describe('probability of a post of several rows: their mean, or max: one convincing picture is enough'),
  threshold: z.number().min(0).max(1).nullable().default(null).describe("FAKE above this; null = the model's own"),
  resamples: z.int().min(100).default(1000).describe('bootstrap resamples of the 95 % intervals'),
});
