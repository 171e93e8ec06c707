/** Where a key's effect is shown: the test file, and words of the test's name. */
export type Effect = [file: string, title: string];

/** Per test file: words of a test's name → the keys whose effect it shows. The test fails when one of them stops doing what it says. */
const shown: Record<string, Record<string, string[]>> = {
  'packages/config/test/configs.test.ts': {
    'learning rates are those of the model until they are set': [
      'model.learning_rates.all',
      'model.learning_rates.frozen',
      'model.learning_rates.finetune',
    ],
  },
  'packages/config/test/key-effects.test.ts': {
    'keys of one value refuse any other': [
      'model.vision.backbone',
      'data.label_map.0',
      'data.label_map.1',
      'inference.image.mode',
    ],
  },
  'packages/trainer/test/network-keys.test.ts': {
    'of the network are those of model.*': [
      'model.embedding_dim',
      'model.fusion_hidden_dim',
      'model.vision.stem_channels',
      'model.vision.stages',
      'model.vision.head_channels',
      'model.text.hidden_size',
      'model.text.layers',
      'model.text.feed_forward_size',
      'model.text.vocab_size',
      'model.text.max_positions',
    ],
    'alone changes what the same weights compute: %s': [
      'model.vision.activation',
      'model.vision.padding',
      'model.vision.batch_norm_epsilon',
      'model.text.layer_norm_epsilon',
    ],
    'without squeeze-and-excite has none of its tensors': ['model.vision.squeeze_excite'],
    'of attention heads change what the same weights compute': ['model.text.heads'],
    'pools a text as model.text.pooling says': ['model.text.pooling'],
    'brings both parts together as model.fusion says': ['model.fusion'],
    'has a vector for each part that a post may lack with model.missing_modality=learned': ['model.missing_modality'],
    '%s changes the loss of a step': [
      'model.dropout_rate',
      'model.projection_dropout',
      'model.vision.stochastic_depth',
      'model.text.dropout',
      'model.text.attention_dropout',
    ],
    'model.vision.batch_norm_momentum is the share of a batch': ['model.vision.batch_norm_momentum'],
    'are the files of model.vision.weights and model.text.weights, or random': [
      'model.vision.pretrained',
      'model.vision.weights',
      'model.text.weights',
    ],
    'of others are negated where model.positive_class says': ['model.positive_class'],
    'come with the tokenizer of model.text.tokenizer': ['model.text.tokenizer', 'model.text.pretrained_model'],
    'weights and tokenizer are asked for in the revision of the config': [
      'model.vision.revision',
      'model.text.revision',
    ],
  },
  'packages/trainer/test/data-keys.test.ts': {
    'each split has a CSV in data.root_dir, or one of its own': [
      'data.root_dir',
      'data.train_file',
      'data.val_file',
      'data.test_file',
      'data.n_rows',
    ],
    'columns are those of the config, and relative paths start at the images folder': [
      'data.images_dir_train',
      'data.images_dir_val',
      'data.images_dir_test',
      'data.text_column',
      'data.image_column',
      'data.label_column',
    ],
    'data.images_dir is the images folder of every split': ['data.images_dir'],
    'data.allow_outside_root reads images that lie elsewhere': ['data.allow_outside_root'],
    'data.encoding, data.delimiter and data.labels say how the file is written': [
      'data.encoding',
      'data.delimiter',
      'data.labels',
    ],
    'have pictures of data.image_size': ['data.image_size'],
    'are scaled by data.mean and data.std': ['data.mean', 'data.std'],
    'have texts of at most data.max_length, padded to a multiple': ['data.max_length', 'data.length_multiple'],
    'refuse pictures of more than data.max_pixels': ['data.max_pixels'],
    'are kept in data.pixel_cache.dir': ['data.pixel_cache.enabled', 'data.pixel_cache.dir'],
    'never take more than data.pixel_cache.max_bytes': ['data.pixel_cache.max_bytes'],
    '%s alone changes pictures': [
      'data.augmentation.horizontal_flip',
      'data.augmentation.rotation_degrees',
      'data.augmentation.color_jitter.brightness',
      'data.augmentation.color_jitter.contrast',
      'data.augmentation.color_jitter.saturation',
    ],
    'is new in every epoch, and that of the file with data.shuffle=false': ['data.shuffle'],
  },
  'packages/trainer/test/problems.test.ts': {
    'is divided by data.train_split, each label alike': ['data.csv_file', 'data.train_split'],
    'are left out and counted with data.on_bad_sample=skip': ['data.on_bad_sample'],
    'stop the run, are named with data.on_overlap=warn': ['data.on_overlap'],
    'of one label stop training, calibration and evaluation': ['data.on_one_class'],
    'ends the run after training.max_skipped_steps of them in a row': ['training.max_skipped_steps'],
  },
  'packages/trainer/test/print-metrics.test.ts': {
    'are printed as Katib reads them with training.print_metrics': ['training.print_metrics'],
  },
  'packages/trainer/test/feature-cache.test.ts': {
    'are read by a second run, which learns the same bit for bit': ['training.feature_cache.dir'],
    'when they need more than training.feature_cache.max_bytes': ['training.feature_cache.max_bytes'],
    'of augmented pictures are kept with training.feature_cache.views': ['training.feature_cache.views'],
  },
  'packages/trainer/test/train.test.ts': {
    'give what two runs give, the second from the first one’s checkpoint': [
      'model.load_model',
      'model.best_model_name',
    ],
    'leave weights and batch-norm statistics of frozen backbones bit-identical': [
      'model.freeze_vision',
      'model.freeze_text',
    ],
    'learn alike from cached features and from pixels': ['data.augmentation.enabled', 'training.feature_cache.enabled'],
    'let the statistics of frozen backbones drift as the original does': ['training.frozen_batch_norm'],
    'writes a line per step and per epoch, in order': ['training.num_epochs', 'training.batch_size'],
    'stops after training.num_steps': ['training.num_steps'],
    'follows torch’s OneCycle over all of its steps': ['training.learning_rate'],
    'is the same bit for bit with the same seed, with and without worker threads': ['training.num_workers'],
    'is another one with another seed': ['training.seed'],
    'keeps a checkpoint every save_frequency epochs': ['training.version', 'training.save_frequency'],
    'leaves metrics, plots, the report and its state in the run folder': ['training.checkpoint_dir', 'training.report'],
    'shows as many FAKE as REAL posts': ['training.class_balanced_sampling'],
    'run one after the other, steps and epochs counted through': ['training.phases'],
    'writes a checkpoint that says how it was made': ['mlflow.enabled'],
  },
  'packages/trainer/test/training-keys.test.ts': {
    'pulls weights towards 0 by learning rate times training.weight_decay': ['training.weight_decay'],
    'spares vectors with training.no_decay_on_bias_and_norm': ['training.no_decay_on_bias_and_norm'],
    'of training.optimizer=adam adds the decay to the gradient': ['training.optimizer'],
    'with a large training.adam_epsilon takes small steps': ['training.adam_epsilon'],
    '%s changes the second step, not the first': ['training.adam_beta1', 'training.adam_beta2'],
    'begin anew after training.restart_epochs': ['training.restart_epochs', 'training.restart_factor'],
    'fall by training.plateau_factor': ['training.plateau_factor'],
    'takes its name, smoothing and focus from training.loss': [
      'training.loss.name',
      'training.loss.label_smoothing',
      'training.loss.focal_gamma',
    ],
    'waits for training.early_stopping.patience epochs, and only when it is enabled': [
      'training.early_stopping.enabled',
      'training.early_stopping.patience',
    ],
    'looks at training.early_stopping.metric, and at changes above min_delta': [
      'training.early_stopping.metric',
      'training.early_stopping.min_delta',
    ],
    'training.mixed_precision rounds the products of the text backbone': ['training.mixed_precision'],
    'is saved every training.save_every_steps inside an epoch': ['training.save_every_steps'],
    'hides pictures and words with training.modality_dropout': [
      'training.modality_dropout.image',
      'training.modality_dropout.text',
    ],
    'is made of training.accumulate_steps batches': ['training.accumulate_steps', 'training.clip_norm'],
  },
  'packages/trainer/test/distributed/collective-workers.test.ts': {
    'of training.distributed.gradient_dtype=bfloat16 round gradients': ['training.distributed.gradient_dtype'],
    'of training.distributed.hosts find their place': ['training.distributed.hosts'],
    'a frozen one, within training.distributed.timeout_seconds': ['training.distributed.timeout_seconds'],
    'one that never came, within training.distributed.start_seconds': ['training.distributed.start_seconds'],
    'training.distributed.processes starts the others': ['training.distributed.processes'],
  },
  'packages/trainer/test/schedule.test.ts': {
    'stay constant without a scheduler': ['training.use_scheduler'],
    'rise linearly through the warm-up, then follow the schedule': ['training.scheduler', 'training.warmup_steps'],
    'are lowered when validation stands still, and not below min_lr': ['training.min_lr', 'training.plateau_patience'],
  },
  'packages/trainer/test/steps.test.ts': {
    'count balanced weights on the training posts': ['training.loss.pos_weight'],
    'lowers the rate by the same factor from block to block': ['training.layer_decay'],
    'opens one block of each backbone after another, from the top': [
      'training.gradual_unfreezing.enabled',
      'training.gradual_unfreezing.epochs_per_block',
    ],
  },
  'packages/trainer/test/resume.test.ts': {
    'by kill -9 goes on from its last state': ['training.resume'],
  },
  'packages/trainer/test/mlflow.test.ts': {
    'is on a server what the original logs, and more': [
      'training.tracking_uri',
      'training.experiment_name',
      'training.log_every_steps',
    ],
    'has its model in the registry, and Python judges with it': [
      'mlflow.registered_model_name',
      'mlflow.registered_model_alias',
    ],
  },
  'packages/trainer/test/sweep.test.ts': {
    'nests the runs of its jobs in MLflow under one': [
      'mlflow.tracking_uri',
      'mlflow.experiment_name',
      'mlflow.run_name',
      'mlflow.system_metrics',
      'mlflow.log_model',
    ],
  },
  'packages/exporter/test/run-export.test.ts': {
    'exports the best checkpoint of the training folder and says where to go next': ['export.output_dir'],
    'a .pth name means our file of the same stem': ['export.checkpoint'],
    "export.text_backbone receives the text backbone in BERT's names": ['export.text_backbone'],
    'takes export.tokenizer and export.opset in place of the usual ones': ['export.tokenizer', 'export.opset'],
    "export.operators=onnxruntime writes onnxruntime's fused operators, and the gate compares them as always": [
      'export.operators',
    ],
  },
  'packages/exporter/test/precision.test.ts': {
    'pnpm export takes its posts from the validation and test CSVs and prints what changed': [
      'export.precision',
      'export.calibration_rows',
      'export.max_probability_difference',
      'export.comparison_rows',
    ],
  },
  'packages/trainer/test/evaluate.test.ts': {
    'gives the same probabilities on the checkpoint and on the artifact': ['evaluation.checkpoint'],
    'judges a split: metrics with intervals, checks, ablations and groups': ['evaluation.group_column'],
    'judges the rows of one post together': ['evaluation.post_column'],
  },
  'packages/trainer/test/calibrate.test.ts': {
    'that calibration.holdout keeps are apart from validation': ['calibration.holdout'],
    'calibration.temperature is fitted, or a number': ['calibration.temperature'],
    'calibration.threshold is a number, or follows a rule': ['calibration.threshold'],
    'move the threshold': [
      'calibration.false_positive_cost',
      'calibration.false_negative_cost',
      'calibration.max_false_positive_rate',
    ],
    'make the band, one of them': [
      'calibration.target_accuracy',
      'calibration.target_coverage',
      'calibration.abstain_band',
    ],
    'calibration.on_used_rows warns of rows': ['calibration.on_used_rows'],
    'the best checkpoint carries it, fitted on posts that nothing else was done with': ['calibration.enabled'],
    'writes into a checkpoint what calibration.checkpoint and .split name': [
      'calibration.checkpoint',
      'calibration.split',
    ],
  },
  'packages/trainer/test/suspects.test.ts': {
    'draws the first ones, and suspects.output_dir, .shown and .folds': [
      'suspects.output_dir',
      'suspects.shown',
      'suspects.folds',
    ],
    'suspects.on_chance: labels that nothing explains': ['suspects.on_chance'],
    'suspects.checkpoint brings its backbones': ['suspects.checkpoint'],
  },
  'packages/trainer/test/evaluation-tracking.test.ts': {
    'evaluation.log_to_mlflow=false': ['evaluation.log_to_mlflow'],
  },
  'packages/trainer/test/evaluation-keys.test.ts': {
    'evaluation.split, .threshold, .ablations, .report and .output_dir': [
      'evaluation.report',
      'evaluation.split',
      'evaluation.threshold',
      'evaluation.ablations',
      'evaluation.output_dir',
    ],
    'evaluation.id_column names the rows': ['evaluation.id_column'],
    'evaluation.compare_with judges another checkpoint': ['evaluation.compare_with'],
    'evaluation.resamples': ['evaluation.resamples'],
    'evaluation.aggregation': ['evaluation.aggregation'],
    'model.name stands before what a run prints': ['model.name'],
  },
  'packages/inference/test/infer.test.ts': {
    'single mode prints the original’s lines': [
      'inference.mode',
      'inference.single.image_path',
      'inference.single.text',
    ],
    'explain=true says why': ['inference.explain'],
    'a checkpoint is exported once into a folder beside it': ['inference.checkpoint.path'],
    'the output switches leave lines out, and the threshold can be overridden': [
      'inference.output.verbose',
      'inference.output.save_probabilities',
      'inference.output.save_confidence',
      'inference.output.threshold',
    ],
    'resume=true goes on from a half-written output or says why it cannot': ['inference.batch.resume'],
    'batch mode writes the verdicts': ['inference.batch.csv_file', 'inference.batch.output_file'],
  },
  'packages/inference/test/abstaining.test.ts': {
    'inference.output.abstain and .abstain_band: single mode': [
      'inference.output.abstain',
      'inference.output.abstain_band',
    ],
  },
  'packages/inference/test/infer-keys.test.ts': {
    'inference.checkpoint.graph_cache keeps the rewritten graph': ['inference.checkpoint.graph_cache'],
    'inference.text.max_length cuts texts shorter': ['inference.text.max_length'],
    'inference.text.tokenizer replaces that of the artifact': ['inference.text.tokenizer'],
    'what the artifact or this machine fixes is warned about': ['inference.checkpoint.device', 'inference.image.size'],
    'batch mode takes its columns, its pictures’ folder and the number of rows': [
      'inference.batch.root_dir',
      'inference.batch.n_rows',
    ],
    'inference.batch.allow_outside_root reads images elsewhere, and max_failed_share': [
      'inference.batch.allow_outside_root',
      'inference.batch.max_failed_share',
    ],
    'inference.image.decode_ms and max_decoded_bytes': [
      'inference.image.decode_ms',
      'inference.image.max_decoded_bytes',
    ],
    'inference.batch_processing decides on the posts of a model call': [
      'inference.batch_processing.batch_size',
      'inference.batch_processing.num_workers',
    ],
    // What these do is nothing, on purpose: configs of the original have them, and no verdict may depend on them.
    'keys of training in old configs change no verdict': [
      'inference.freeze_vision',
      'inference.freeze_text',
      'inference.dropout_rate',
    ],
  },
  'packages/server/test/serve.test.ts': {
    'a missing artifact ends it with code 1 and the place': ['serve.artifact'],
    'an address that is not this machine’s ends it with code 1 and the reason': ['serve.host'],
    'a port in use ends it with code 1 and the reason': ['serve.port'],
    'says in one line where it answers': ['serve.workers'],
    'keeps the rewritten graph in the cache folder, unless it is told not to': ['serve.graph_cache'],
    'queue, batch, threads and pixels are as the settings say': [
      'serve.threads_per_worker',
      'serve.max_batch',
      'serve.max_pixels',
      'serve.queue_size',
      'serve.max_explanations',
      'serve.explain.concurrency',
    ],
    'an upload that hangs cannot hold the service longer than shutdown_ms': ['serve.shutdown_ms'],
  },
  'packages/server/test/abuse.test.ts': { 'a picture smaller than allowed is refused': ['serve.min_image_side'] },
  'packages/server/test/hostile-images.test.ts': {
    'refuses a picture that alone takes more memory than all may': ['serve.max_decoded_bytes'],
    'a cheap picture is answered while expensive ones fill their decoders': ['serve.decoders'],
  },
  'packages/server/test/reload.test.ts': {
    'a folder that is watched is taken up once it has stopped changing': ['serve.watch_seconds'],
  },
  'packages/server/test/abstaining.test.ts': {
    'serve.abstain asks for everyone, serve.abstain_band says where': ['serve.abstain', 'serve.abstain_band'],
  },
  'packages/server/test/predict.test.ts': {
    'a body above the limit is refused by its Content-Length and by its bytes': ['serve.max_body_bytes'],
    'more posts than allowed': ['serve.max_posts'],
    'characters are counted, not UTF-16 units': ['serve.max_text_length'],
  },
  'packages/server/test/limits.test.ts': {
    'uploads beyond the memory allowed get 429': ['serve.max_buffered_bytes'],
    'a post that takes longer than the deadline gets 504': ['serve.deadline_ms'],
    'a request that does not end is answered with 408': ['serve.receive_ms'],
    'an idle connection is closed': ['serve.keep_alive_ms'],
    'an API key is asked for where the model is asked': ['serve.api_key'],
    'browsers of other sites may not call unless their origin is allowed': ['serve.cors_origin'],
  },
  'packages/server/test/explain.test.ts': {
    'explanations are off where serve.explain.enabled=false': ['serve.explain.enabled'],
    'the key of explanations opens nothing else': ['serve.explain.api_key'],
    'the same post is explained from memory': ['serve.explain.cache_seconds'],
  },
  'packages/server/test/gateway.test.ts': {
    'a base path is taken off, and stands in what the client sees': ['serve.base_path'],
    'the path that a proxy names holds if the proxy is trusted': ['serve.trusted_proxies'],
  },
  'packages/server/test/json-post.test.ts': {
    'nothing is fetched unless hosts are listed': ['serve.fetch.hosts'],
    'what is wrong has its own code': ['serve.fetch.max_bytes', 'serve.fetch.timeout_ms'],
  },
  'packages/server/test/shadow.test.ts': {
    'a candidate judges every post': ['serve.shadow.artifact'],
    'serve.shadow.share is the share of the posts': ['serve.shadow.share', 'serve.shadow.queue_size'],
  },
  'packages/server/test/feedback.test.ts': {
    'takes no feedback and keeps nothing unless a store is named': ['serve.feedback.store'],
    'keeps the post that somebody spoke of': ['serve.feedback.keep_posts'],
  },
  'packages/server/test/log-level.test.ts': { 'serve.log_level is the least serious line': ['serve.log_level'] },
};

/** Every key with its test; a key that stands in two places stands here twice. */
export const effects: [key: string, effect: Effect][] = Object.entries(shown).flatMap(([file, tests]) =>
  Object.entries(tests).flatMap(([title, keys]) => keys.map((key): [string, Effect] => [key, [file, title]])),
);

/** Keys without such a test so far. A new key gets one at once. */
export const untested: string[] = [];
