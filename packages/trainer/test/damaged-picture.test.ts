import { readFileSync, truncateSync } from 'node:fs';
import path from 'node:path';
import { runEntry, temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { copyPosts, makePosts, testFolder } from './support/posts.ts';
import { bestCheckpoint } from './support/read-run.ts';
import { shortRun, trainHere } from './support/run-train.ts';

const slowMs = 240_000;
const root = temporaryFolder();
const posts = path.join(root.dir, 'posts');

beforeAll(async () => {
  await makePosts(posts);
  await trainHere([...shortRun(posts, root.dir), 'training.num_epochs=1'], root);
}, slowMs);
afterAll(root.remove);

const frozen = ['model.freeze_vision=true', 'model.freeze_text=true', 'data.augmentation.enabled=false'];

/** Command, the split it reads, worker threads, what else is set. */
const cases: [string, string, number, string[]][] = [
  ['evaluate', 'test', 0, []],
  ['evaluate', 'test', 1, []],
  ['evaluate', 'test', 2, []],
  ['calibrate', 'val', 2, []],
  ['train', 'val', 0, []],
  ['train', 'val', 1, []],
  ['train', 'val', 2, frozen],
];

describe('a picture that is cut off', { timeout: slowMs }, () => {
  it.each(cases)(
    'ends %s with its line in %s.csv, with %i worker threads %j',
    async (command, split, workers, more) => {
      const damaged = copyPosts(posts);
      truncateSync(path.join(damaged, `images/${split}/00003.jpg`), 700);
      const dir = testFolder();
      const { code, stderr } = await runEntry(`packages/trainer/src/bin/${command}.ts`, [
        ...shortRun(damaged, dir),
        'training.num_epochs=1',
        `training.num_workers=${workers}`,
        `calibration.checkpoint=${bestCheckpoint(path.join(root.dir, 'checkpoints'))}`,
        `evaluation.checkpoint=${bestCheckpoint(path.join(root.dir, 'checkpoints'))}`,
        ...more,
      ]);
      expect(code).toBe(1);
      expect(stderr).toContain(`CROSSCHECK_IMAGE_UNREADABLE: ${damaged}/${split}.csv:5: `);
      const record = JSON.parse(readFileSync(path.join(dir, 'run/.hydra/result.json'), 'utf8'));
      expect(record).toMatchObject({ status: 'failed', error: { code: 'CROSSCHECK_IMAGE_UNREADABLE' } });
    },
  );
});
