import type { ErrorRow } from '../error-row.ts';

/** Codes of scoring. */
export const scoringErrors = {
  CROSSCHECK_SCORE_NO_SHARDS: {
    meaning: 'there is no `.csv`, `.jsonl` or `.ndjson` in `score.shards`',
    remedy: 'correct the address, or make shards with `pnpm score:split`',
  },
  CROSSCHECK_SCORE_MIXED_SHARDS: {
    meaning: 'CSV and JSON Lines in one folder of shards',
    remedy: 'one folder for each kind',
  },
  CROSSCHECK_SCORE_OUTPUT_INSIDE: {
    meaning: '`score.output` lies in `score.shards`',
    remedy: 'choose another one',
  },
  CROSSCHECK_SCORE_OTHER_JOB: {
    meaning:
      'the output holds results of another model, threshold, list of shards or columns; the message says of which',
    remedy: 'choose another `score.output`, or remove the old one',
  },
  CROSSCHECK_SCORE_INDEX: {
    meaning: '`score.index` or `JOB_COMPLETION_INDEX` is not below `score.workers`',
    remedy: "set `score.workers` to the Job's completions",
  },
  CROSSCHECK_SCORE_ROWS_FAILED: {
    meaning: 'all rows of a job failed, or more than `score.max_failed_share`; they stand as ERROR in the output',
    remedy: 'the message names the commonest reason; mostly `score.images` is not where the images are',
  },
  CROSSCHECK_SCORE_PART_BROKEN: {
    meaning: 'a part does not hold the posts of its shard, or not the bytes of its receipt',
    remedy: 'remove both from the output and run it again',
  },
  CROSSCHECK_SCORE_HEADERS_DIFFER: {
    meaning: 'shards with different columns cannot become one CSV',
    remedy: 'the parts are there; give the shards the same columns to have one file',
  },
  CROSSCHECK_SCORE_WORKER_FAILED: {
    meaning: 'a worker that was started here died more often than `score.restarts`',
    remedy: 'its messages stand above; the same command goes on',
  },
} as const satisfies Record<string, ErrorRow>;
