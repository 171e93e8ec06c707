import type { ErrorRow } from '../error-row.ts';

/** Codes of dvc. */
export const dvcErrors = {
  CROSSCHECK_DVC_NO_REPOSITORY: {
    meaning: 'there is no folder `.dvc` here or above',
    remedy: 'run it in a repository with DVC, or `dvc init`',
  },
  CROSSCHECK_DVC_BAD_FILE: {
    meaning: 'a `.dvc` file is no YAML, or has no outs with md5 and path',
    remedy: 'write it again with `dvc add`',
  },
  CROSSCHECK_DVC_BAD_LISTING: {
    meaning: 'the object of a folder is no list of files inside that folder, or names `.git` or `.dvc`',
    remedy: 'push it again with `dvc push`',
  },
  CROSSCHECK_DVC_BAD_OPTION: {
    meaning: "an argument of `pnpm data:pull` is neither an option nor a target, or an option's value is out of range",
    remedy: '`pnpm data:pull --help`',
  },
  CROSSCHECK_DVC_UNKNOWN_TARGET: {
    meaning: 'no `.dvc` file is called so or tracks that path',
    remedy: 'take one of those that the message lists',
  },
  CROSSCHECK_DVC_NO_REMOTE: {
    meaning: 'there is no default remote, or none of the given name',
    remedy: 'set it in `.dvc/config` (or `.dvc/config.local`, which Git ignores), or say `remote=NAME`',
  },
  CROSSCHECK_DVC_REMOTE_UNSUPPORTED: {
    meaning: 'the remote is neither a folder nor http(s) nor S3',
    remedy: 'pull with DVC itself',
  },
  CROSSCHECK_DVC_NOT_IN_REMOTE: {
    meaning: 'the remote lacks an object',
    remedy: '`dvc push` where the data is',
  },
  CROSSCHECK_DVC_MD5_MISMATCH: {
    meaning: 'an object has other bytes than its name says, also when fetched anew',
    remedy: 'push it again; until then nothing of it reaches the working tree',
  },
  CROSSCHECK_DVC_NO_PLOTS: {
    meaning: '`pnpm dvc:plots` is not given `metrics.jsonl` of a training run or `eval_results.json` of an evaluation',
    remedy: 'give it one of the run folder',
  },
  CROSSCHECK_DVC_UNSAFE_PATH: {
    meaning:
      'a `.dvc` file names a path that is absolute, outside of the repository, in `.git` or `.dvc`, or behind a link that leads out',
    remedy: 'correct the path; ask whoever wrote it',
  },
  CROSSCHECK_DVC_CONFLICT: {
    meaning: 'two tracked files want the same place, or one is a folder of the other',
    remedy: 'track each in one place',
  },
  CROSSCHECK_DVC_TOO_LARGE: {
    meaning: 'an object is longer than the `size` of its `.dvc` file, or a listing longer than 256 MiB',
    remedy: 'correct the size if it is wrong; else do not trust the remote',
  },
  CROSSCHECK_DVC_WOULD_OVERWRITE: {
    meaning: 'a file in the working tree differs from what is tracked, and no cache keeps it, or is no file',
    remedy: 'move it away, `dvc add` it, or `force=true`',
  },
} as const satisfies Record<string, ErrorRow>;
