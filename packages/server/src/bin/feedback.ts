#!/usr/bin/env node
import path from 'node:path';
import { CrosscheckError, type Option, print, runOptionCommand } from '@crosscheck/contract';
import { writeWhole } from '@crosscheck/files';
import { openStore } from '@crosscheck/storage';
import { deleteBefore, deleteRequest, readFeedback } from '../feedback/read-feedback.ts';
import { describeReport, reportFeedback } from '../feedback/report.ts';
import { writeTrainingCsv } from '../feedback/training-csv.ts';

const options = {
  store: { default: null, help: 'what serve.feedback.store names: a folder, or s3://bucket/prefix' },
  dir: { default: 'data/feedback', help: 'receives posts.csv, images/ and report.json' },
  delete_id: { default: null, help: 'delete everything of this request, and do nothing else' },
  older_than_days: { default: -1, min: -1, help: 'delete days before, and do nothing else; -1 = delete nothing' },
} satisfies Record<string, Option>;

await runOptionCommand({
  name: 'data:feedback',
  summary: 'What the desk said of verdicts: accuracy by week and model, and posts to train on; or deletes of it.',
  options,
  notes: 'Posts are in the CSV only where serve.feedback.keep_posts=true has kept them.',
  code: 'CROSSCHECK_DATA_BAD_OPTION',
  async main({ store: url, dir, delete_id: id, older_than_days: days }) {
    if (url === null)
      throw new CrosscheckError(
        'CROSSCHECK_FEEDBACK_NO_STORE',
        'expected store=…, got none; name what serve.feedback.store names',
      );
    const store = openStore(url);
    if (id !== null) return tellDeleted(await deleteRequest(store, id));
    if (days >= 0) return tellDeleted(await deleteBefore(store, dayBefore(days)));
    const data = await readFeedback(store);
    if (data.verdicts.length + data.answered.length + data.unreadable.length === 0)
      throw new CrosscheckError(
        'CROSSCHECK_FEEDBACK_NO_STORE',
        `expected verdicts or feedback in ${url}, got nothing; is it what serve.feedback.store names?`,
      );
    const report = reportFeedback(data);
    for (const line of describeReport(report)) print(line);
    const { written, notKept } = await writeTrainingCsv(store, data, dir);
    writeWhole(path.join(dir, 'report.json'), `${JSON.stringify(report, null, 2)}\n`);
    print(
      `wrote ${written} posts to ${path.join(dir, 'posts.csv')}, and report.json; of ${notKept} more the post was not kept`,
    );
  },
});

function dayBefore(days: number): string {
  return new Date(Date.now() - 86_400_000 * days).toISOString().slice(0, 10);
}

function tellDeleted(gone: readonly string[]): void {
  for (const key of gone) print(`deleted ${key}`);
  print(`${gone.length} deleted`);
}
