import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { writeTinyArtifact } from '../../exporter/test/tiny-artifact.ts';
import { type ObjectStore, openStore, readAll } from '../../storage/src/index.ts';
import { installTimeoutMs } from '../../storage/test/support/python.ts';
import { type S3Server, startS3Server } from '../../storage/test/support/s3-server.ts';
import { score, split } from '../src/index.ts';
import { rounded, verdicts, writePosts } from './posts.ts';
import { runHere, work } from './run-score.ts';

vi.setConfig({ testTimeout: 240_000 }); // each opens networks, some several processes
const folder = temporaryFolder();
const at = (name: string) => `${folder.dir}/${name}`;
let server: S3Server;
let bucket: ObjectStore;

beforeAll(async () => {
  server = await startS3Server('signed');
  vi.stubEnv('AWS_ENDPOINT_URL', server.endpoint);
  vi.stubEnv('AWS_ACCESS_KEY_ID', server.accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', server.secretAccessKey);
  bucket = openStore('s3://posts');
  mkdirSync(at('model'));
  await writeTinyArtifact(at('model'));
  writePosts(folder.dir, 50);
  for (const name of readdirSync(at('images')))
    await bucket.write(`images/${name}`, readFileSync(at(`images/${name}`)));
}, installTimeoutMs);
afterAll(() => {
  vi.unstubAllEnvs();
  server?.stop();
  folder.remove();
});

const [shards, images, output] = [
  'score.shards=s3://posts/shards',
  'score.images=s3://posts/images',
  'score.output=s3://posts/out',
];
const model = () => `inference.checkpoint.path=${at('model')}`;

/** A pod of the Job: only the environment tells it which one it is. */
async function pod(index: number): Promise<string> {
  vi.stubEnv('JOB_COMPLETION_INDEX', String(index));
  return (await runHere(score, [shards, images, output, model(), 'score.workers=2', 'score.sessions=1'] as string[]))
    .printed;
}

test('over S3, pods by JOB_COMPLETION_INDEX judge their shards, the last one merges, and running again does nothing', async () => {
  await runHere(split, ['score.shard_rows=20', `score.input=${at('posts.csv')}`, shards as string]);
  expect(await bucket.list('shards')).toEqual([0, 1, 2].map((i) => `shards/posts-00000${i}.csv`));
  expect(await pod(1)).toMatch(/^posts-000001.csv: 20 rows, 0 failed, .* 0 shards left\n$/);
  expect(await bucket.exists('out/predictions.csv')).toBe(false);
  expect(await pod(0)).toMatch(/^posts-000000.csv: 20 .*\nposts-000002.csv: 10 rows, 1 failed.*\n$/);
  const merged = (await readAll(bucket, 'out/predictions.csv')).toString();
  expect(await pod(0)).toBe('');
  expect((await readAll(bucket, 'out/predictions.csv')).toString()).toBe(merged);
  const near = [`score.shards=${at('near')}`, `score.images=${at('images')}`, `score.output=${at('out')}`, model()];
  await runHere(split, ['score.shard_rows=50', `score.input=${at('posts.csv')}`, near[0] as string]);
  await work(0, near);
  expect(rounded(merged).trimEnd().split('\n')).toEqual(verdicts(at('out/predictions.csv')));
});

test('storage that answers no more ends a worker; no post becomes ERROR for it', async () => {
  const away = [
    'score.output=s3://posts/away',
    'score.images=http://127.0.0.1:9',
    'inference.batch_processing.batch_size=1',
  ];
  await expect(work(0, [shards as string, model(), ...away])).rejects.toMatchObject({
    code: 'CROSSCHECK_STORAGE_UNREACHABLE',
  });
  expect(await bucket.list('away')).toEqual(['away/job.json']);
});
