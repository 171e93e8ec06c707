import { z } from 'zod';
import { readingSchema } from './reading.ts';

const path = z.string().min(1);
const ratio = z.number().min(0);

const perChannel = (value: z.ZodNumber) => z.array(value).length(3).nullable().default(null);

const augmentationSchema = z.strictObject({
  enabled: z.boolean().default(true).describe('augment training pictures; validation and test pictures never are'),
  horizontal_flip: z.boolean().default(true).describe('mirror every second picture'),
  rotation_degrees: z.number().min(0).max(180).default(15).describe('rotate by an angle within ± this'),
  color_jitter: z
    .strictObject({
      brightness: ratio.default(0.2).describe('factor within 1 ± this'),
      contrast: ratio.default(0.2).describe('factor within 1 ± this'),
      saturation: ratio.default(0.2).describe('factor within 1 ± this'),
    })
    .prefault({}),
});

/** What is said to those who set it otherwise. */
const fixedMeaning =
  'the meaning is the same in every CSV, checkpoint, artifact and answer, so that none of them can be mistaken for its opposite; turn the labels of the CSV around (pnpm data:folder takes positive_class=real), or read a checkpoint that was trained on 1 = REAL with model.positive_class=real';

const labelMapSchema = z.strictObject({
  0: z.literal('REAL').describe('what the label 0 means; fixed').meta({ advice: fixedMeaning }),
  1: z.literal('FAKE').describe('what the label 1 means; fixed').meta({ advice: fixedMeaning }),
});

/** `data.*`: which posts, and how they become batches. */
export const dataSchema = z.strictObject({
  csv_file: path
    .nullable()
    .default('/')
    .describe('one CSV that train_split divides into training and validation; / or null = separate files'),
  root_dir: path.default('data').describe('folder with train.csv, val.csv and test.csv'),
  train_file: path.nullable().default(null).describe('training CSV; null = train.csv in root_dir'),
  val_file: path.nullable().default(null).describe('validation CSV; null = val.csv in root_dir'),
  test_file: path.nullable().default(null).describe('test CSV; null = test.csv in root_dir'),
  images_dir: path
    .nullable()
    .default(null)
    .describe('folder of relative image paths in every split, instead of the next three; null = those'),
  images_dir_train: path
    .nullable()
    .default('data/images/train')
    .describe("folder of relative picture paths in training; null = the CSV's folder"),
  images_dir_val: path.nullable().default('data/images/val').describe('the same for validation'),
  images_dir_test: path.nullable().default('data/images/test').describe('the same for test'),
  allow_outside_root: z
    .boolean()
    .default(false)
    .describe("read images whose path leads out of the images folder and the CSV's folder, too"),
  n_rows: z.int().min(-1).default(1000).describe('rows to read of each CSV; -1 = all'),
  text_column: path.default('text_content').describe('CSV column of the text'),
  image_column: path.default('image_path').describe('CSV column of the picture path'),
  label_column: path.default('label').describe('CSV column of the label'),
  ...readingSchema,
  label_map: labelMapSchema.default({ 0: 'REAL', 1: 'FAKE' }),
  train_split: z.number().gt(0).lt(1).default(0.8).describe('share of csv_file that is trained on'),
  image_size: z
    .int()
    .min(32)
    .nullable()
    .default(null)
    .describe("pixels per side after resizing; null = the backbone's"),
  mean: perChannel(z.number().min(0).max(1)).describe(
    'subtracted from red, green and blue between 0 and 1; null = as the vision weights were trained',
  ),
  std: perChannel(z.number().gt(0).max(1)).describe(
    'what they are divided by then; null = as the weights were trained',
  ),
  max_length: z.int().min(3).default(128).describe('tokens per text at most, [CLS] and [SEP] included'),
  length_multiple: z.int().min(1).default(8).describe('batches are padded to a multiple of this many tokens'),
  shuffle: z.boolean().default(true).describe('a new order in every epoch'),
  on_bad_sample: z
    .enum(['error', 'skip'])
    .default('error')
    .describe('a row that cannot be used stops the run, or is counted and left out'),
  on_overlap: z
    .enum(['error', 'warn', 'ignore'])
    .default('error')
    .describe('posts that are in both train and val stop the run, are named, or are not looked for'),
  on_one_class: z
    .enum(['error', 'warn'])
    .default('error')
    .describe('posts that all have one label stop the run, or are named'),
  max_pixels: z.int().positive().default(40_000_000).describe('larger pictures are refused before they are decoded'),
  pixel_cache: z
    .strictObject({
      enabled: z
        .boolean()
        .default(true)
        .describe('keep decoded pictures on disk: later epochs and runs decode nothing'),
      dir: path.nullable().default(null).describe("folder of decoded pictures; null = pixels in the user's cache"),
      max_bytes: z.int().min(0).default(4_294_967_296).describe('the pictures used longest ago go when there are more'),
    })
    .prefault({}),
  augmentation: augmentationSchema.prefault({}),
});
