import type { ErrorRow } from '../error-row.ts';

/** Codes of trainer. */
export const trainerErrors = {
  CROSSCHECK_TRAINING_DIVERGED: {
    meaning:
      "numbers ceased to be finite: the loss or a gradient in `training.max_skipped_steps` steps in a row or in all of an epoch, validation's answers, or weights that were to be written",
    remedy:
      'lower the learning rate or `training.clip_norm`, look for bad posts; the message names epoch, step, rate and the last finite loss; checkpoints written before are kept',
  },
  CROSSCHECK_TRAINING_NO_METRIC: {
    meaning: 'validation did not measure `training.early_stopping.metric`, so no checkpoint could be chosen',
    remedy: 'name one that the message lists; ROC-AUC, precision and recall need validation posts of both labels',
  },
  CROSSCHECK_TRAINING_ONE_CLASS: {
    meaning: '`training.loss.pos_weight=balanced` and all training posts have one label',
    remedy: 'set a number, or add posts of the other label',
  },
  CROSSCHECK_WORKERS_ADDRESS: {
    meaning:
      'a worker cannot listen on its port, or the name of another one did not resolve within `training.distributed.start_seconds`',
    remedy: 'end what uses the port or take another one; correct the name',
  },
  CROSSCHECK_WORKERS_LOST: {
    meaning:
      'a worker of a run has ended, was killed, has not answered for `training.distributed.timeout_seconds` or did not come within `start_seconds`; exit code 75',
    remedy:
      'look at the log of the worker that the message names, then start all of them again with `training.resume=<run folder>`',
  },
  CROSSCHECK_WORKERS_DIFFER: {
    meaning:
      'the workers of a run were started with other code, config, posts, states or weights, which is found before the first step',
    remedy:
      'the message names each difference with both values; start all of them alike. Where posts and caches lie, how many threads read and who watches may differ',
  },
  CROSSCHECK_RESUME_NOT_FOUND: {
    meaning: '`training.resume` names neither a run folder with a training state nor such a file',
    remedy:
      'the message lists where it looked; a run writes its state when it begins, after every epoch, and every `training.save_every_steps`',
  },
  CROSSCHECK_RESUME_STATE_INVALID: {
    meaning: 'the file is no training state, or one of another version',
    remedy: 'start a new run, or start from the best checkpoint with `model.load_model=true`',
  },
  CROSSCHECK_RESUME_MISMATCH: {
    meaning:
      'overrides or CSV files differ from those of the interrupted run, or a secret that was not stored is missing',
    remedy:
      'the message names each key with both values; docs/configuration.md says what may change; give the secret again, or start a new run',
  },
  CROSSCHECK_RUN_UNWRITABLE: {
    meaning: 'the run folder or `training.checkpoint_dir` cannot be written, or the disk is full',
    remedy: 'free space, or choose other folders; then `training.resume` goes on from the last state',
  },
  CROSSCHECK_TRACKING_UNUSABLE: {
    meaning:
      "`mlflow.tracking_uri` names something that can never work: an unknown scheme, a database that is not MLflow's",
    remedy: 'correct it, or set `mlflow.enabled=false`; a server that is only away is no error',
  },
  CROSSCHECK_SEARCH_NO_OPTUNA: {
    meaning: '`hydra/sweeper=optuna`, and no Python, or one without Optuna 4.9 or 5',
    remedy: 'the message has the line of pip; `PYTHON=…` names another Python',
  },
  CROSSCHECK_SEARCH_STUDY: {
    meaning:
      'Optuna refused something: a storage that cannot be opened, a study with another direction or other choices, a sampler that needs a package',
    remedy: 'the message says what Optuna said, and the line of pip where a package is missing',
  },
  CROSSCHECK_SEARCH_FAILURES: {
    meaning: "more of a search's trials failed than `hydra.sweeper.max_failure_rate` allows",
    remedy:
      'mend what the first failure says, or allow more; the study is kept, and the message has the keys that go on with it',
  },
  CROSSCHECK_SYNC_FAILED: {
    meaning: 'MLflow did not take what `pnpm mlflow:sync` sent',
    remedy: 'what waits is kept: run it again when the server answers',
  },
  CROSSCHECK_SYNC_LOGIN: {
    meaning: "the run's tracker wants a login, and none is stored with a run",
    remedy:
      'pass `--tracking-uri http://user:password@host`, or set `MLFLOW_TRACKING_USERNAME` and `MLFLOW_TRACKING_PASSWORD` (or `MLFLOW_TRACKING_TOKEN`)',
  },
  CROSSCHECK_SYNC_NO_RUN: {
    meaning: '`pnpm mlflow:sync` was given no run folder, or cannot find out where the run was tracked',
    remedy: 'name a run folder; pass `--tracking-uri`',
  },
  CROSSCHECK_TOKENIZER_TOO_LARGE: {
    meaning: 'the tokenizer knows more tokens than `model.text.vocab_size`',
    remedy: 'set `model.text.tokenizer` to the one that belongs to the text weights',
  },
  CROSSCHECK_CALIBRATION_USED_ROWS: {
    meaning:
      'with `calibration.on_used_rows=error`, the posts to calibrate on trained the checkpoint or chose it, or it does not say which it has seen',
    remedy:
      'train with `calibration.holdout`, set `calibration.split=test`, or go on with `calibration.on_used_rows=warn`',
  },
  CROSSCHECK_SUSPECTS_AT_CHANCE: {
    meaning: 'the probes of `pnpm data:suspects` are no better than guessing on posts that they have not seen',
    remedy: 'stronger backbones (`model=…`, `suspects.checkpoint=…`), more posts, or `suspects.on_chance=warn`',
  },
  CROSSCHECK_SUSPECTS_UNSUPPORTED: {
    meaning:
      '`suspects.checkpoint` was trained with `model.fusion=cross_attention`, whose backbones give no single vectors',
    remedy: 'leave it out to use pretrained backbones, or name another checkpoint',
  },
  CROSSCHECK_EVALUATION_REPEATED_ID: {
    meaning: 'the column of `evaluation.id_column` names two rows alike',
    remedy: 'name a column that tells rows apart, or none: then it is file and line',
  },
  CROSSCHECK_COMPARE_RUNS: {
    meaning: '`pnpm compare` got another number of run folders than two',
    remedy: '`pnpm compare outputs/<run> outputs/<other run>`',
  },
  CROSSCHECK_COMPARE_NO_RUN: {
    meaning: 'a folder to compare does not exist, or no run of `train` or `evaluate` wrote into it',
    remedy: 'name the run folder, below `outputs/`; the message says what was looked for',
  },
  CROSSCHECK_COMPARE_UNREADABLE: {
    meaning: '`predictions.csv` or a results file of a run was changed, or written by an earlier version',
    remedy: 'evaluate again',
  },
  CROSSCHECK_COMPARE_NOTHING: {
    meaning: 'two runs judged no split in common and do not both have epochs',
    remedy: 'judge both on one split with `pnpm evaluate` and compare those runs',
  },
  CROSSCHECK_EVALUATION_NO_METADATA: {
    meaning: '`evaluation.checkpoint` is a folder without `artifact.json`',
    remedy: 'name an artifact folder that `pnpm export` wrote, or a checkpoint',
  },
} as const satisfies Record<string, ErrorRow>;
