import { z } from 'zod';
import { fileNamePart } from './names.ts';

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
  registered_model_name: fileNamePart('mlflow.registered_model_name')
    .nullable()
    .default(null)
    .describe('also register that model under this name; null = do not'),
  registered_model_alias: fileNamePart('mlflow.registered_model_alias')
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
    .describe(
      'number format: fp16 halves the file, int8 makes it smaller and faster still; both are compared with fp32 on real posts',
    ),
  max_probability_difference: z
    .number()
    .gt(0)
    .max(1)
    .default(0.01)
    .describe(
      'largest mean |Δp| of fp16 or int8 against fp32 on the comparison posts; int8 keeps more in fp32 until it holds, and is refused where it cannot',
    ),
  calibration_rows: z
    .int()
    .min(1)
    .default(64)
    .describe('validation posts that int8 is calibrated on, half of each label where there are both'),
  comparison_rows: z
    .int()
    .min(1)
    .default(500)
    .describe('test posts to measure the artifact on, and to compare fp16 and int8 with fp32'),
  text_backbone: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .describe("folder that receives the text backbone alone, too, as Hugging Face's BertModel; null = none"),
  opset: z.int().min(18).max(23).default(18).describe('ONNX operator set'),
  operators: z
    .enum(['standard', 'onnxruntime'])
    .default('standard')
    .describe(
      'standard = any runtime loads it (int8 needs onnxruntime in any case); onnxruntime = with its fused attention, GELU and SiLU',
    ),
});

const share = z.number().min(0).max(1);
const target = z.number().gt(0).max(1).nullable().default(null);
const cost = z.number().min(0).default(1);

/** `calibration.*`: from logits to verdicts, fitted on held-out posts: temperature, threshold, abstain band. */
export const calibrationSchema = z
  .strictObject({
    enabled: z.boolean().default(false).describe('calibrate the best checkpoint when training ends'),
    checkpoint: z
      .string()
      .nullable()
      .default(null)
      .describe(
        'checkpoint that pnpm calibrate reads and writes; null = best_model_<version> in training.checkpoint_dir',
      ),
    split: z.enum(['val', 'test']).default('val').describe('which CSV holds the posts that it is fitted on'),
    holdout: z
      .number()
      .min(0)
      .lt(1)
      .default(0)
      .describe('share of the validation posts that training sets aside for it, so that they choose no checkpoint'),
    on_used_rows: z
      .enum(['warn', 'error'])
      .default('warn')
      .describe('posts that trained the checkpoint or chose it are named in all results, or stop the calibration'),
    temperature: z
      .union([z.literal('fit'), z.number().positive()])
      .default('fit')
      .describe('probability = sigmoid(logit / temperature); fit = the lowest log loss'),
    threshold: z
      .union([z.enum(['auto', 'f1', 'cost', 'fpr']), share])
      .default('auto')
      .describe(
        'FAKE above this; f1 = highest F1, cost = least costly mistakes, fpr = most FAKE found at that rate; auto = 0.5 unless another one makes fewer mistakes beyond chance',
      ),
    false_positive_cost: cost.describe('threshold=cost: price of a REAL post called FAKE'),
    false_negative_cost: cost.describe('threshold=cost: price of a FAKE post called REAL'),
    max_false_positive_rate: share
      .default(0.05)
      .describe('threshold=fpr: largest share of REAL posts that may be called FAKE'),
    target_accuracy: z
      .union([z.literal('auto'), z.number().gt(0).max(1)])
      .nullable()
      .default('auto')
      .describe(
        'abstain where it must be for verdicts of this accuracy; auto = half as many mistakes, where a quarter of the posts keep a verdict and no other band is set; null = no such band',
      ),
    target_coverage: target.describe('abstain on the least sure posts, so that this share still gets a verdict'),
    abstain_band: z
      .tuple([share, share])
      .nullable()
      .default(null)
      .describe('abstain between these probabilities of FAKE'),
  })
  .superRefine((calibration, context) => {
    const given = (['target_accuracy', 'target_coverage', 'abstain_band'] as const).filter(
      (key) => calibration[key] !== null && calibration[key] !== 'auto',
    );
    if (given.length <= 1) return;
    const message = `set only one of calibration.${given.join(', calibration.')}: each decides on the abstain band`;
    context.addIssue({ code: 'custom', path: [given[1] as string], message });
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
  ablations: z
    .boolean()
    .default(true)
    .describe('also judge with the picture, the words, or the pairing taken away, in the training report too'),
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
  id_column: z
    .string()
    .nullable()
    .default(null)
    .describe('CSV column that names a row in predictions.csv; null = file and line, as test.csv:17'),
  compare_with: z
    .string()
    .nullable()
    .default(null)
    .describe('another checkpoint or artifact folder, judged on the same posts: differences with paired intervals'),
  log_to_mlflow: z
    .boolean()
    .default(true)
    .describe('add metrics and page to the MLflow run that trained the checkpoint, where mlflow.enabled'),
  report: z.boolean().default(true).describe('also draw everything on a page, eval_report.html'),
  resamples: z.int().min(100).default(1000).describe('bootstrap resamples of the 95 % intervals'),
});

/** `suspects.*`: training posts whose labels are contradicted. */
export const suspectsSchema = z.strictObject({
  checkpoint: z
    .string()
    .nullable()
    .default(null)
    .describe('checkpoint whose backbones make the features; null = the backbones that model names'),
  folds: z.int().min(2).max(50).default(5).describe('a post is judged by a probe that has not seen its fold'),
  on_chance: z
    .enum(['error', 'warn'])
    .default('error')
    .describe('probes that are no better than guessing: error = no ranking, warn = a ranking with a warning'),
  shown: z.int().min(0).default(60).describe('suspects with their images on the page; the CSV has all'),
  output_dir: z
    .string()
    .nullable()
    .default(null)
    .describe('folder of suspects.csv and suspects.html; null = the run folder'),
});
