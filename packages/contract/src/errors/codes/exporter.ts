import type { ErrorRow } from '../error-row.ts';

/** Codes of exporter. */
export const exporterErrors = {
  CROSSCHECK_EXPORT_PARITY: {
    meaning:
      "the exported network's logits differ from the trained one's by more than 1e-4 on a fixed sample; nothing was written",
    remedy:
      "a NaN means that training diverged: export an earlier checkpoint; otherwise report it with the checkpoint's architecture",
  },
  CROSSCHECK_EXPORT_PRECISION_UNSUPPORTED: {
    meaning: '`export.precision` is not one that this version writes',
    remedy: 'choose one of those that the message lists',
  },
  CROSSCHECK_EXPORT_PRECISION_LOSS: {
    meaning:
      'fp16 moves the probabilities of the comparison posts by more than `export.max_probability_difference` on average, or int8 does whatever is kept in fp32; nothing was written',
    remedy:
      'calibrate on posts like those that will be judged (`data.val_file`, `export.calibration_rows`), allow more, or set `export.precision=fp32`',
  },
  CROSSCHECK_EXPORT_POSTS_MISSING: {
    meaning: 'fp16 and int8 need real posts to be made with and judged by, and there are none',
    remedy: 'set `data.val_file` and `data.test_file`, or `data.root_dir`',
  },
  CROSSCHECK_EXPORT_OPSET_UNSUPPORTED: {
    meaning: '`export.opset` is not between 18 and 23',
    remedy: 'choose one of those that the message lists',
  },
  CROSSCHECK_EXPORT_METADATA_MISSING: {
    meaning: 'the checkpoint does not describe its architecture, preprocessing and label meaning',
    remedy: 'export a checkpoint that `pnpm train` wrote',
  },
  CROSSCHECK_EXPORT_TOKENIZER_MISSING: {
    meaning: 'the checkpoint carries no tokenizer',
    remedy: 'set `export.tokenizer`',
  },
  CROSSCHECK_EXPORT_TOKENIZER_MISMATCH: {
    meaning: 'the tokenizer knows more tokens than the model has word embeddings',
    remedy: 'use the tokenizer that the model was trained with',
  },
  CROSSCHECK_EXPORT_OUTPUT_OCCUPIED: {
    meaning:
      '`export.output_dir` holds files that are not an artifact, or `export.text_backbone` a model of somebody else',
    remedy: 'choose another folder, or empty it',
  },
} as const satisfies Record<string, ErrorRow>;
