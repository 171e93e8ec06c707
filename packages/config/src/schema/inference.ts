import { isIP } from 'node:net';
import { z } from 'zod';
import { readingSchema } from './reading.ts';

const path = z.string().min(1);

const graphCache = z
  .boolean()
  .default(true)
  .describe("keep the model's graph as it is rewritten for this CPU in the cache folder, for a faster next start");

/** Memory of images that are being decoded: of all at a time, and the least that may be set. */
const decodedBytes = z
  .int()
  .min(64 * 2 ** 20)
  .default(896 * 2 ** 20);

/** How many rows of a batch may fail, in every command that judges one. */
export const maxFailedShare = z
  .number()
  .min(0)
  .max(1)
  .default(1)
  .describe('of the rows; when more fail, or all, the command ends with an error');

/** `inference.*`: judging posts from the command line. */
export const inferenceSchema = z.strictObject({
  mode: z.enum(['single', 'batch']).default('batch').describe('one post, or a CSV of posts'),
  checkpoint: z
    .strictObject({
      path: path.default('artifact').describe('artifact folder, .onnx file or checkpoint'),
      device: z
        .enum(['cpu', 'cuda'])
        .nullable()
        .default(null)
        .describe('onnxruntime runs on the CPU here; cuda is taken for old configs, with a warning'),
      graph_cache: graphCache,
    })
    .prefault({}),
  single: z
    .strictObject({
      image_path: path
        .nullable()
        .default('./data/images/test/c7jxj5.jpg')
        .describe('the picture; null = none, for models that were trained for that'),
      text: z
        .string()
        .default('This frog sitting on a light')
        .describe('the words; blank = none, for models that were trained for that'),
    })
    .prefault({}),
  batch: z
    .strictObject({
      csv_file: path
        .default('./data/test.csv')
        .describe('posts to judge: CSV, or JSON Lines by its name (.jsonl, .ndjson)'),
      output_file: path
        .default('./data/test-predictions.csv')
        .describe('the same rows with their verdicts, CSV or JSON Lines by its name'),
      root_dir: path
        .nullable()
        .default('./data/images/test/')
        .describe("folder of relative picture paths; null = the CSV's folder"),
      n_rows: z.int().min(-1).default(200).describe('rows to judge; -1 = all'),
      max_failed_share: maxFailedShare,
      allow_outside_root: z.boolean().default(false).describe('read images whose path leads out of root_dir, too'),
      resume: z
        .boolean()
        .default(false)
        .describe('go on from the .partial file of an interrupted run; after an error, leave it for the next'),
    })
    .prefault({}),
  explain: z
    .boolean()
    .default(false)
    .describe('single mode: also say why; explanation.png and explanation.json go to the run folder'),
  text: z
    .strictObject({
      max_length: z
        .int()
        .min(3)
        .nullable()
        .default(null)
        .describe("tokens per text at most, where fewer than the artifact's; null = the artifact's"),
      tokenizer: z
        .string()
        .nullable()
        .default(null)
        .describe("tokenizer.json, vocab.txt or a folder with either; null = the artifact's own"),
    })
    .prefault({}),
  image: z
    .strictObject({
      size: z
        .int()
        .min(32)
        .nullable()
        .default(null)
        .describe("pixels per side; the artifact's holds, another one is only warned about"),
      mode: z.literal('val').default('val').describe('no augmentation'),
      decode_ms: z
        .int()
        .min(1)
        .default(30_000)
        .describe('an image that a decoder works on for longer is given up: its row fails'),
      max_decoded_bytes: decodedBytes.describe(
        'memory that all images take while they are decoded; one that alone takes more fails, others wait',
      ),
    })
    .prefault({}),
  output: z
    .strictObject({
      verbose: z.boolean().default(true).describe('print a line for every verdict'),
      save_probabilities: z.boolean().default(true).describe('write the probability column'),
      save_confidence: z.boolean().default(true).describe('write the confidence column'),
      threshold: z.number().min(0).max(1).nullable().default(null).describe("FAKE above this; null = the artifact's"),
      abstain: z.boolean().default(false).describe('answer UNSURE where the probability lies in the abstain band'),
      abstain_band: z
        .tuple([z.number().min(0).max(1), z.number().min(0).max(1)])
        .nullable()
        .default(null)
        .describe("probabilities of FAKE that are too close to say; null = the artifact's"),
    })
    .prefault({}),
  batch_processing: z
    .strictObject({
      batch_size: z
        .int()
        .min(1)
        .default(32)
        .describe('posts per model call; above 8 more calls of 8 are under way instead'),
      num_workers: z.int().min(0).default(4).describe('posts that are decoded at the same time'),
    })
    .prefault({}),
  freeze_vision: z.boolean().default(false).describe('accepted for old configs; a frozen backbone predicts the same'),
  freeze_text: z.boolean().default(false).describe('accepted for old configs; a frozen backbone predicts the same'),
  dropout_rate: z
    .number()
    .min(0)
    .lt(1)
    .default(0.3)
    .describe('accepted for old configs; there is no dropout in inference'),
});

/** The columns of a CSV of posts, for `infer` (the same keys as in training). */
export const inferenceDataSchema = z.strictObject({
  text_column: path.default('text_content').describe('CSV column of the text'),
  image_column: path.default('image_path').describe('CSV column of the picture path'),
  label_column: path.default('label').describe('CSV column of the label, kept as true_label when it is there'),
  ...readingSchema,
});

/** A key that clients must send; it is never written or printed. */
const secret = z.string().min(1).nullable().default(null).meta({ secret: true });

/** `serve.explain.*`: an explanation costs about a hundred verdicts, so it has limits of its own. */
const serveExplainSchema = z.strictObject({
  enabled: z
    .boolean()
    .default(true)
    .describe('answer POST /explain; the page shows verdicts without reasons where it is off'),
  concurrency: z.int().min(1).default(1).describe('explanations that are worked out at the same time; others wait'),
  api_key: secret.describe(
    "asked for in the X-API-Key header of /explain, in place of serve.api_key; null = serve.api_key's",
  ),
  cache_seconds: z
    .number()
    .min(0)
    .default(60)
    .describe('the same post is explained from memory for this long; 0 = never'),
});

function isNetwork(text: string): boolean {
  const [address = '', bits = '0', ...others] = text.split('/');
  const most = { 0: -1, 4: 32, 6: 128 }[isIP(address)] as number;
  return others.length === 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= most;
}

/** `serve.fetch.*`: images that clients name by their URL; nothing is fetched unless hosts are listed. */
const serveFetchSchema = z.strictObject({
  hosts: z
    .array(z.string().regex(/^(\*\.)?[\w.-]+(:\d+)?$/, 'a host such as images.example.org, or *.example.org'))
    .default([])
    .describe('hosts that image_url may name, or *.example.org for all below one; empty = image_url is refused'),
  max_bytes: z.int().positive().default(10_000_000).describe('larger images are refused with 413'),
  timeout_ms: z.int().min(1).default(5000).describe('an image that takes longer gets 504'),
});

/** `serve.shadow.*`: a candidate that judges beside the model, after the answers were sent. */
const serveShadowSchema = z.strictObject({
  artifact: path
    .nullable()
    .default(null)
    .describe(
      'artifact folder of a candidate that also judges, in a process of its own; its verdicts are only counted',
    ),
  share: z.number().gt(0).max(1).default(0.1).describe('of the posts that the candidate also judges'),
  queue_size: z.int().min(1).default(16).describe('posts that wait for the candidate; it does not judge more'),
});

/** `serve.feedback.*`: what a desk says of verdicts. Nothing is kept unless a store is named. */
const serveFeedbackSchema = z.strictObject({
  store: path
    .nullable()
    .default(null)
    .describe(
      'folder or s3://bucket/prefix that keeps verdicts and what POST /feedback says of them; null = nothing is kept',
    ),
  keep_posts: z.boolean().default(false).describe('keep the post, too, when somebody says what it was'),
});

/** `serve.*`: the HTTP service. */
export const serveSchema = z.strictObject({
  artifact: path.default('artifact').describe('artifact folder to serve'),
  host: z.string().min(1).default('::').describe('address to listen on; :: = every one, IPv6 and IPv4'),
  port: z.int().min(0).max(65_535).default(8000).describe('port to listen on; 0 = any that is free'),
  base_path: z
    .string()
    .regex(/^(\/[\w.~-]+)*$/, 'a path such as /crosscheck, without a slash at its end')
    .default('')
    .describe('path under which a gateway serves all of this, such as /crosscheck; it may take it away or not'),
  trusted_proxies: z
    .array(z.string().refine(isNetwork, 'an address, or a network such as 10.0.0.0/8'))
    .default([])
    .describe('addresses or networks whose X-Forwarded-Prefix and X-Forwarded-For are believed'),
  watch_seconds: z
    .number()
    .positive()
    .nullable()
    .default(null)
    .describe('look this often for a new model in the artifact folder; null = only when SIGHUP says so'),
  workers: z.int().min(1).nullable().default(null).describe('inference threads; null = one for each core'),
  threads_per_worker: z.int().min(1).default(1).describe('cores that one inference call may use'),
  graph_cache: graphCache.describe(
    "keep the model's graph as it is rewritten for this CPU, and compiled code, in the cache folder, for a faster next start",
  ),
  max_batch: z.int().min(1).default(4).describe('posts that one inference call may take'),
  max_body_bytes: z.int().positive().default(10_000_000).describe('larger requests are refused with 413'),
  max_buffered_bytes: z
    .int()
    .positive()
    .default(200_000_000)
    .describe('bytes of all request bodies in memory; more are refused with 429'),
  max_posts: z.int().min(1).default(32).describe('posts in one batch request; more are refused'),
  max_pixels: z.int().positive().default(40_000_000).describe('larger pictures are refused before they are decoded'),
  max_decoded_bytes: decodedBytes.describe(
    'memory that all pictures take while they are decoded; one that alone takes more gets 413, others wait, then get 429',
  ),
  decoders: z
    .int()
    .min(2)
    .nullable()
    .default(null)
    .describe('processes that decode what is no baseline JPEG; null = one more than cores, at most 4'),
  min_image_side: z.int().min(1).default(8).describe('pictures with a shorter side are refused'),
  max_text_length: z.int().positive().default(10_000).describe('characters; longer texts are refused'),
  queue_size: z.int().min(1).default(128).describe('waiting requests; more are refused with 429'),
  max_explanations: z.int().min(1).default(4).describe('explanations that wait or are worked out; more get 429'),
  explain: serveExplainSchema.prefault({}),
  fetch: serveFetchSchema.prefault({}),
  shadow: serveShadowSchema.prefault({}),
  feedback: serveFeedbackSchema.prefault({}),
  deadline_ms: z.int().min(1).default(10_000).describe('a request that waits longer gets 504'),
  receive_ms: z.int().min(1).default(30_000).describe('time for a request to arrive; slower ones get 408'),
  keep_alive_ms: z.int().min(1).default(72_000).describe('idle connections are closed after this'),
  shutdown_ms: z.int().min(0).default(30_000).describe('time for requests in flight to finish after SIGTERM'),
  abstain: z
    .boolean()
    .default(false)
    .describe('answer UNSURE in the abstain band to requests that do not say whether they want it'),
  abstain_band: z
    .tuple([z.number().min(0).max(1), z.number().min(0).max(1)])
    .nullable()
    .default(null)
    .describe("probabilities of FAKE that are too close to say; null = the artifact's"),
  api_key: secret.describe('asked for in the X-API-Key header; null = open'),
  cors_origin: z.string().nullable().default(null).describe('origin that browsers may call from; null = none'),
  log_level: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info')
    .describe('least serious line that is logged'),
});
