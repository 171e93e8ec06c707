import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { repositoryRoot, runEntry, temporaryFolder } from '@crosscheck/testkit';
import { afterAll, expect, it } from 'vitest';
import { makePosts } from './support/posts.ts';
import { shortRun } from './support/run-train.ts';

const { dir, remove } = temporaryFolder();
afterAll(remove);

const [typed, fromEnv, ofQuery, ofKey] = ['pw-Typed-1%2F', 'pw-FromEnv-2', 'tk-Query-3', 'ky-Named-4'];
const secrets = [typed, 'pw-Typed-1/', fromEnv, ofQuery, ofKey];

const env = { TRACKER: `http://someone:${fromEnv}@127.0.0.1:1/base` };

/** Every file below a folder that holds one of the secrets. */
function filesThatTell(folder: string): string[] {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files
    .map((entry) => path.join(entry.parentPath, entry.name))
    .filter((file) => secrets.some((secret) => readFileSync(file).includes(secret)));
}

const run = (script: string, overrides: string[]) =>
  runEntry(`packages/${script}`, overrides, { cwd: repositoryRoot, env, timeoutMs: 300_000 });

const expectQuiet = ({ stdout, stderr }: { stdout: string; stderr: string }) =>
  expect(secrets.filter((secret) => `${stdout}${stderr}`.includes(secret))).toEqual([]);

it('no password or token is written or printed by train and export, wherever it comes from', async () => {
  const posts = await makePosts(path.join(dir, 'posts'));
  const own = [
    ...shortRun(posts, dir).filter(
      (override) => !/^(?:mlflow\.enabled|training\.(?:report|num_epochs))=/.test(override),
    ),
    'training.num_epochs=1',
    `hydra.sweep.dir=${path.join(dir, 'sweep')}`,
    `+hydra.job.env_set.MLFLOW_TRACKING_TOKEN=${ofKey}`,
  ];
  const train = (name: string, uri: string, ...more: string[]) =>
    run('trainer/src/bin/train.ts', [
      ...own,
      `mlflow.tracking_uri='${uri}'`,
      `hydra.run.dir=${path.join(dir, name)}`,
      ...more,
    ]);
  const first = await train('typed', `http://someone:${typed}@127.0.0.1:1/base?token=${ofQuery}`);
  expect(first).toMatchObject({ code: 0 });
  expectQuiet(first);
  const second = await train('from-env', '${oc.env:TRACKER}');
  expect(second).toMatchObject({ code: 0 });
  expectQuiet(second);
  expect(readFileSync(path.join(dir, 'from-env/.hydra/config.yaml'), 'utf8')).toContain('${oc.env:TRACKER}');
  expect(readFileSync(path.join(dir, 'typed/.hydra/config.yaml'), 'utf8')).toContain(
    'http://***@127.0.0.1:1/base?token=***',
  );
  expect(readFileSync(path.join(dir, 'typed/.hydra/overrides.yaml'), 'utf8')).toContain('http://***@127.0.0.1:1');
  const uri = `mlflow.tracking_uri=ftp://someone:${typed}@host/x`;
  const failed = await run('trainer/src/bin/train.ts', [...own, uri, `hydra.run.dir=${path.join(dir, 'failed')}`]);
  expect(failed.code).toBe(1);
  expect(failed.stderr).toContain('ftp://***@host/x');
  expectQuiet(failed);
  const artifact = await run('exporter/src/bin/export.ts', [
    ...shortRun(posts, dir).filter((override) => /^(?:model|data|training.checkpoint_dir)/.test(override)),
    `export.output_dir=${path.join(dir, 'artifact')}`,
    `mlflow.tracking_uri=http://someone:${typed}@127.0.0.1:1`,
    `hydra.run.dir=${path.join(dir, 'exported')}`,
  ]);
  expect(artifact).toMatchObject({ code: 0 });
  expectQuiet(artifact);
  expect(filesThatTell(dir)).toEqual([]);
}, 600_000);

it.each([['--cfg', 'job'], ['--cfg', 'all', '--resolve'], ['--help'], ['--info'], ['training.seed=x']])(
  'train %s %s prints none',
  async (...flags) => {
    const overrides = [
      `mlflow.tracking_uri=http://someone:${typed}@host?token=${ofQuery}`,
      `mlflow.run_name=\${oc.env:TRACKER}`,
    ];
    const said = await run('trainer/src/bin/train.ts', [
      ...overrides.map((o) => o.replace('?token=', '/?token=').replace(/=(http.*)$/, "='$1'")),
      ...flags,
    ]);
    expect(`${said.stdout}${said.stderr}`.length).toBeGreaterThan(50);
    expectQuiet(said);
  },
);

it('serve shows no API key', async () => {
  const said = await run('server/src/bin/serve.ts', [`serve.api_key=${ofKey}`, '--cfg', 'job', '--resolve']);
  expect(said.stdout).toContain('api_key: "***"');
  expectQuiet(said);
});
