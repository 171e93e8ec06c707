import type { ErrorRow } from '../error-row.ts';

/** Codes of inference. */
export const inferenceErrors = {
  CROSSCHECK_ARTIFACT_NOT_FOUND: {
    meaning: 'there is no `artifact.json` in the folder named',
    remedy: 'correct the path, or make the folder with `pnpm export`',
  },
  CROSSCHECK_ARTIFACT_INVALID: {
    meaning:
      '`artifact.json` is not what this version reads: a key is missing, the labels are swapped, a hash is missing',
    remedy: 'export the checkpoint again',
  },
  CROSSCHECK_ARTIFACT_FILE_MISSING: {
    meaning: 'a file that `artifact.json` lists is not in the folder',
    remedy: 'copy the whole folder, or export again',
  },
  CROSSCHECK_ARTIFACT_HASH_MISMATCH: {
    meaning: 'a file differs from the one that was exported',
    remedy: 'copy it again, or export again',
  },
  CROSSCHECK_ARTIFACT_SELF_CHECK: {
    meaning: 'the model gives a sample in its `artifact.json` another logit than at export',
    remedy:
      'export again with this version; if that does not help, the weights are damaged on their way, or the runtime computes otherwise on this processor: report it',
  },
  CROSSCHECK_ARTIFACT_MISMATCH: {
    meaning: 'graph, preprocessing or tokenizer do not belong together',
    remedy: 'export again; use the tokenizer that the model was trained with',
  },
  CROSSCHECK_INFERENCE_MODEL_UNLOADABLE: {
    meaning: 'onnxruntime cannot load the model file',
    remedy: 'the message carries its reason; export again',
  },
  CROSSCHECK_ARTIFACT_DISAGREES: {
    meaning:
      'the ONNX file says something else about itself (labels, preprocessing, threshold, temperature, …) than `artifact.json`',
    remedy: 'one of them was exchanged or edited: export again, or copy the whole folder again',
  },
  CROSSCHECK_INFERENCE_NO_BAND: {
    meaning: 'UNSURE was asked for, but the model has no abstain band',
    remedy:
      '`pnpm calibrate calibration.target_accuracy=…` and export again, or set `inference.output.abstain_band` (`serve.abstain_band`)',
    status: 422,
    example:
      'model Crosscheck 1.8 has no abstain band; fit one with pnpm calibrate calibration.target_accuracy=… and export again, or set inference.output.abstain_band (serve.abstain_band)',
  },
  CROSSCHECK_INFERENCE_BAND_MISPLACED: {
    meaning: 'the threshold lies outside the abstain band, so some verdicts would contradict it',
    remedy: 'set `inference.output.threshold` and `.abstain_band` together, or neither',
  },
  CROSSCHECK_INFERENCE_POST_INCOMPLETE: {
    meaning: 'a post lacks a picture, or both parts, and the model needs them',
    remedy: 'send both, or train with `model.missing_modality=learned`',
    status: 422,
    example: 'expected a picture, words or both, got neither; send at least one of them',
  },
  CROSSCHECK_INFERENCE_QUEUE_FULL: {
    meaning: 'more posts wait than allowed',
    remedy: 'try again later, or send fewer at once',
    status: 429,
    example: '128 posts wait already and 1 more would pass the limit of 128; try again later, or send fewer at once',
  },
  CROSSCHECK_INFERENCE_TIMEOUT: {
    meaning: 'there was no verdict within the time allowed',
    remedy: 'send less at once, or allow more time',
    status: 504,
    example: 'no verdict within 10000 ms; the service is overloaded, or the limit is too short for it',
  },
  CROSSCHECK_INFERENCE_RUN_FAILED: {
    meaning: 'onnxruntime failed on one batch',
    remedy: 'the message carries its reason',
  },
  CROSSCHECK_INFERENCE_WORKER_CRASHED: {
    meaning: 'an inference thread ended; it is replaced once',
    remedy: 'give the process more memory, or use fewer workers',
    status: 503,
    example: 'an inference worker ended unexpectedly (exit code 134); often too little memory',
  },
  CROSSCHECK_INFERENCE_CLOSED: {
    meaning: 'a post was sent to a classifier that is closing',
    remedy: 'open a new one',
    status: 503,
    example: 'the classifier was closed; open it again',
  },
  CROSSCHECK_INFER_CHECKPOINT_NOT_EXPORTED: {
    meaning: '`inference.checkpoint.path` names a checkpoint, and exporting it failed or the exporter is not installed',
    remedy: 'run the `pnpm export` command that the message shows',
  },
  CROSSCHECK_INFER_INPUT_NOT_FOUND: {
    meaning: 'the picture or the checkpoint does not exist',
    remedy: 'correct `inference.single.image_path` or `inference.checkpoint.path`',
  },
  CROSSCHECK_INFER_RESUME_MISMATCH: {
    meaning: 'the `.partial` file was begun with another input, model, threshold or other columns',
    remedy: 'remove it, or set `inference.batch.resume=false`',
  },
  CROSSCHECK_INFER_ROWS_FAILED: {
    meaning:
      'all rows of a batch failed, or more than `inference.batch.max_failed_share`; they stand as ERROR in the output',
    remedy: 'the message names the commonest reason; mostly `inference.batch.root_dir` is not where the images are',
  },
  CROSSCHECK_INFER_OUTPUT_UNWRITABLE: {
    meaning: 'the output file cannot be written; an older one is unchanged',
    remedy: 'choose another `inference.batch.output_file`, or make room',
  },
} as const satisfies Record<string, ErrorRow>;
