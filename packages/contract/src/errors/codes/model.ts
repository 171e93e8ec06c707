import type { ErrorRow } from '../error-row.ts';

/** Codes of model. */
export const modelErrors = {
  CROSSCHECK_MODEL_BATCH_INVALID: {
    meaning:
      "a batch's arrays do not fit its size and length, a text is longer than the model's positions, or a token id lies outside its vocabulary",
    remedy: 'use the loader of `@crosscheck/data` with the tokenizer that the model was trained with',
  },
  CROSSCHECK_MODEL_MODALITY_MISSING: {
    meaning: 'a post has no picture or no words and the network was not trained for such posts, or a post has neither',
    remedy: 'train with `model.missing_modality=learned`; leave out posts with neither',
  },
  CROSSCHECK_MODEL_OPTIMIZER_STATE: {
    meaning: "a saved optimizer state has moments of another size than the model's parameters, or lacks some",
    remedy: 'resume with the architecture that wrote the state; start a new run if the file is damaged',
  },
  CROSSCHECK_MODEL_UNKNOWN_VARIABLE: {
    meaning: 'a gradient, a trainable list or an optimizer state names a parameter that the model does not have',
    remedy: 'use the names of `trainableNames()`; resume only with the architecture that wrote the state',
  },
  CROSSCHECK_WEIGHTS_NOT_FOUND: {
    meaning: 'a weights file or folder does not exist, may not be read, or holds none of the files looked for',
    remedy: 'check the path; the message lists what was looked for',
  },
  CROSSCHECK_WEIGHTS_CORRUPT: {
    meaning: 'a `.safetensors` or `.pth` file is cut, damaged, or of another format',
    remedy: 'copy or download the file again; the message says what is wrong with it',
  },
  CROSSCHECK_WEIGHTS_MISMATCH: {
    meaning:
      'tensors are missing, extra or of another shape than the network has; the message says which backbone the file looks like',
    remedy: 'set `model.vision.backbone` or `model.text.pretrained_model` to that of the weights, or use other weights',
  },
  CROSSCHECK_BACKBONE_CONFIG_MISSING: {
    meaning: 'the sizes of the text backbone are neither set nor in a `config.json` that can be read',
    remedy:
      'set `model.text.pretrained_model` to a Hub id or a folder with `config.json`, or the sizes that the message lists',
  },
  CROSSCHECK_BACKBONE_CONFIG_INVALID: {
    meaning: 'a `config.json` is no JSON object, or says sizes that are none',
    remedy: 'repair the file, or take it anew from where the weights are from',
  },
  CROSSCHECK_BACKBONE_UNSUPPORTED: {
    meaning:
      'a `config.json` describes a network that is not computed here, such as another `model_type` or an approximation of GELU',
    remedy: 'take a DistilBERT or BERT ([backbones](backbones.md))',
  },
  CROSSCHECK_CHECKPOINT_NOT_FOUND: {
    meaning: 'the checkpoint named is not in its folder',
    remedy: 'choose one of those that the message lists, or set `model.load_model=false`',
  },
  CROSSCHECK_CHECKPOINT_METADATA_INVALID: {
    meaning: "a checkpoint's own description is not what this version writes",
    remedy: 'write the checkpoint again with this version',
  },
  CROSSCHECK_CHECKPOINT_WRITE_FAILED: {
    meaning: 'the disk is full or the folder cannot be written; the old file is unchanged',
    remedy: 'free space or choose another folder',
  },
  CROSSCHECK_PICKLE_REFUSED: {
    meaning: 'a `.pth` file holds something besides tensors and plain containers, which only running code could load',
    remedy: 'save its `state_dict()` alone, or convert it to `.safetensors`',
  },
  CROSSCHECK_HUB_OFFLINE: {
    meaning: '`HF_HUB_OFFLINE` is set and the file is not in the cache',
    remedy: 'download it once with the network on, or give a local path',
  },
  CROSSCHECK_HUB_UNREACHABLE: {
    meaning: 'the Hub did not answer, or only with server errors, after several tries',
    remedy: 'check the network, the proxy and `HF_ENDPOINT`; or give a local path',
  },
  CROSSCHECK_HUB_FORBIDDEN: {
    meaning: 'the Hub asks for a token, or the token may not read the repository',
    remedy: 'set `HF_TOKEN`; accept the terms of a gated repository on its page',
  },
  CROSSCHECK_HUB_NOT_FOUND: {
    meaning: 'the Hub has no such repository, revision or file',
    remedy: 'check the id, the revision and the file name',
  },
  CROSSCHECK_HUB_CACHE_UNWRITABLE: {
    meaning: 'a download cannot be kept: the cache folder cannot be written or the disk is full',
    remedy: 'free space, or set `HF_HOME` to another folder',
  },
  CROSSCHECK_HUB_CORRUPT: {
    meaning: "a download's size or SHA-256 is not what the Hub announced",
    remedy: 'run it again; the damaged part was removed',
  },
} as const satisfies Record<string, ErrorRow>;
