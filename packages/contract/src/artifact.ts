import { z } from 'zod';
import { type Architecture, architectureSchema } from './architecture.ts';
import { decisionShape } from './decision.ts';
import { preprocessingSchema } from './preprocessing.ts';

/** File names inside an artifact folder. */
export const artifactFiles = {
  onnx: 'multimodal_model.onnx',
  onnxData: 'multimodal_model.onnx.data',
  manifest: 'artifact.json',
  tokenizer: 'tokenizer.json',
  preprocessor: 'preprocessor_config.json',
  config: 'config.json',
  modelCard: 'README.md',
} as const;

/**
 * Names of the ONNX graph's inputs and output: image f32 [B,3,S,S], ids and mask i64 [B,L], logits f32 [B,1].
 *
 * A graph whose artifact says that a modality is optional reads from the same inputs that a post lacks it: its picture is NaN, or its row of
 * the attention mask is 0 on every token. (Inputs with a default value would say so more plainly, but onnxruntime-node ignores them.)
 */
export const onnxNames = {
  image: 'image',
  inputIds: 'input_ids',
  attentionMask: 'attention_mask',
  logits: 'logits',
} as const;

const modalitySchema = z.enum(['required', 'optional']);

/** Whether a post must have this part; `optional` only for networks that were trained for posts without it. */
export const modalitiesSchema = z.strictObject({ image: modalitySchema, text: modalitySchema });

export type Modalities = z.infer<typeof modalitiesSchema>;

/** What posts the network can judge. */
export function modalitiesOf({ missingModality }: Pick<Architecture, 'missingModality'>): Modalities {
  const need = missingModality === 'learned' ? 'optional' : 'required';
  return { image: need, text: need };
}

export const labelMapSchema = z.strictObject({ 0: z.literal('REAL'), 1: z.literal('FAKE') });

/** Whether a graph keeps to ONNX's own operators, which every runtime knows, or has fused ones of onnxruntime's. */
export const operatorsSchema = z.enum(['standard', 'onnxruntime']);

export type Operators = z.infer<typeof operatorsSchema>;

const estimateSchema = z.object({ value: z.number(), low: z.number(), high: z.number() });

const roundingStepSchema = z.object({
  kept: z.array(z.string()).describe('groups of nodes in fp32'),
  meanProbabilityDifference: z.number().describe('on the calibration posts'),
  clearlyChanged: z.int(),
  millisecondsPerPost: z.number().describe('processor time of the network alone'),
});

const selfCheckSampleSchema = z.object({
  text: z.string(),
  image: z.base64().describe('a picture file'),
  logit: z.number(),
});

/** `artifact.json`: what the service must know about a model, and the hash of every file it stands for. */
export const artifactSchema = z.object({
  formatVersion: z.literal(1),
  name: z.string(),
  version: z.string(),
  createdAt: z.iso.datetime(),
  labels: labelMapSchema,
  preprocessing: preprocessingSchema,
  ...decisionShape,
  precision: z.enum(['fp32', 'fp16', 'int8']),
  opset: z.int().min(18),
  operators: operatorsSchema.default('standard'),
  architecture: architectureSchema,
  modalities: modalitiesSchema
    .default({ image: 'required', text: 'required' })
    .describe('optional: a post may lack this part, never both'),
  source: z.object({
    checkpoint: z.string().describe('file name of the checkpoint'),
    checkpointSha256: z.string(),
    runId: z.string().nullable().describe('MLflow run that trained it, if any'),
  }),
  parity: z
    .object({
      samples: z.int(),
      maxLogitDifference: z.number(),
    })
    .describe('the trained network against the exported one in fp32'),
  fidelity: z
    .object({
      posts: z.int(),
      meanProbabilityDifference: z.number(),
      maxProbabilityDifference: z.number(),
      changedVerdicts: z.int(),
      clearlyChanged: z
        .int()
        .optional()
        .describe('verdicts that differ although fp32 is further than 0.01 from the threshold'),
      differences: z
        .record(z.string(), estimateSchema)
        .optional()
        .describe('metrics minus those of fp32 on the same posts, with paired 95 % intervals'),
      steps: z.array(roundingStepSchema).optional().describe('int8: each with more in fp32, the last is what is here'),
      sensitivity: z
        .record(z.string(), z.number())
        .optional()
        .describe('mean |Δp| that rounding a group alone makes on the calibration posts, where that was measured'),
    })
    .optional()
    .describe('fp32 against this precision, served; folders of earlier versions say less'),
  evaluation: z
    .object({
      posts: z.int(),
      metrics: z.record(z.string(), estimateSchema),
    })
    .optional()
    .describe('metrics of the served folder on posts with labels, with 95 % bootstrap intervals'),
  selfCheck: selfCheckSampleSchema
    .extend({ more: z.array(selfCheckSampleSchema).default([]).describe('folders of earlier versions have none') })
    .optional()
    .describe('posts and what the folder gave them when it was exported, for the service to compare at start'),
  metrics: z.record(z.string(), z.number()).default({}),
  sha256: z.record(z.string(), z.string()).describe('file name → hash, for every other file of the folder'),
});

export type Artifact = z.infer<typeof artifactSchema>;
