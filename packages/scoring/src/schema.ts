import { inferenceConfigSchema, maxFailedShare, type Reads } from '@crosscheck/config';
import { z } from 'zod';

const address = z.string().min(1);

/** `score.*`: judging posts with many workers. Addresses are folders or `s3://bucket/prefix`. */
export const scoreSchema = z.strictObject({
  input: address.default('posts.csv').describe('score:split: the posts, CSV or JSON Lines'),
  shards: address.default('shards').describe('CSV or JSON Lines files of posts; each is judged as a whole'),
  shard_rows: z.int().min(1).default(10_000).describe('score:split: rows of a shard'),
  output: address.default('scored').describe('receives parts/, receipts/, predictions.csv and predictions.json'),
  merge: z.boolean().default(true).describe('the last worker joins the parts; false = leave them as they are'),
  images: address
    .nullable()
    .default(null)
    .describe('what relative picture paths start at, http(s):// too; null = score.shards'),
  max_failed_share: maxFailedShare,
  allow_outside_root: z
    .boolean()
    .default(false)
    .describe('read images whose path leads out of a folder score.images, too; never out of a bucket'),
  workers: z
    .int()
    .min(1)
    .default(1)
    .describe('that share the shards: processes here, or completions of an Indexed Job'),
  index: z
    .int()
    .min(0)
    .nullable()
    .default(null)
    .describe('be this worker; null = JOB_COMPLETION_INDEX, or start all workers here when that is not set either'),
  sessions: z.int().min(1).nullable().default(null).describe('inference threads of a worker; null = its cores'),
  restarts: z.int().min(0).default(3).describe('of a worker that died, when they are started here'),
});

const { inference, data } = inferenceConfigSchema.shape;

/** `configs/config_score.yaml`: what `score` and `score:split` read. */
export const scoreConfigSchema = z.strictObject({ inference, data, score: scoreSchema.prefault({}) });

export type ScoreConfig = z.infer<typeof scoreConfigSchema>;

/** What of `inference.*` only `infer` reads. */
export const scoreReads: Reads<ScoreConfig> = {
  rules: [
    [
      ['inference.mode', 'inference.explain', 'inference.single.', 'inference.batch.'],
      'pnpm infer: score reads score.shards',
      () => false,
    ],
  ],
};
