import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { runEntry, temporaryFolder } from '@crosscheck/testkit';
import { afterAll, describe, expect, it } from 'vitest';
import { makePosts, testFolder } from './support/posts.ts';
import { shortRun } from './support/run-train.ts';

const { dir, remove } = temporaryFolder();
afterAll(remove);
const slowMs = 300_000;
const password = 'pw-Tracker-9';
const login = { MLFLOW_TRACKING_USERNAME: 'someone', MLFLOW_TRACKING_PASSWORD: password };
// Nobody listens there.
const server = 'http://127.0.0.1:1';

describe('a run whose tracker had a password in its URI', () => {
  it(
    'tells mlflow:sync and resume how to log in, and goes on with a login from the environment',
    async () => {
      const posts = await makePosts(path.join(dir, 'posts'));
      const own = [
        ...shortRun(posts, dir).filter((override) => !/^(?:mlflow\.enabled|training\.num_epochs)=/.test(override)),
        'training.num_epochs=1',
        'mlflow.log_model=false',
        `mlflow.tracking_uri=http://someone:${password}@127.0.0.1:1`,
      ];
      const first = await runEntry('packages/trainer/src/bin/train.ts', own, {
        env: { MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR: '0' },
        timeoutMs: slowMs,
      });
      expect(first).toMatchObject({ code: 0 });
      const runDir = path.join(dir, 'run');
      const sync = (env: Record<string, string>) =>
        runEntry('packages/trainer/src/bin/mlflow-sync.ts', [runDir], {
          env: { MLFLOW_HTTP_REQUEST_MAX_RETRIES: '0', ...env },
        });
      const refused = await sync({});
      expect(refused).toMatchObject({ code: 1 });
      expect(refused.stderr).toContain('CROSSCHECK_SYNC_LOGIN: the run was tracked at http://***@127.0.0.1:1');
      expect(refused.stderr).toContain('set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD');
      const asked = await sync(login);
      expect(asked.stderr).toContain(`CROSSCHECK_SYNC_FAILED: MLflow answered CONNECTION_FAILED`);
      expect(asked.stderr).toContain(server);
      expect(`${refused.stderr}${asked.stderr}`).not.toContain(password);
      const resume = (env: Record<string, string>) =>
        runEntry('packages/trainer/src/bin/train.ts', [`training.resume=${runDir}`, 'training.report=false'], {
          env: { MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR: '0', ...env },
          timeoutMs: slowMs,
        });
      const alone = await resume({});
      expect(alone).toMatchObject({ code: 1 });
      expect(alone.stderr).toContain('CROSSCHECK_RESUME_MISMATCH');
      expect(alone.stderr).toContain('mlflow.tracking_uri (http://***@127.0.0.1:1)');
      const withLogin = await resume(login);
      expect(withLogin).toMatchObject({ code: 0 });
      expect(`${withLogin.stdout}${withLogin.stderr}`).toContain('pnpm mlflow:sync');
      expect(`${withLogin.stdout}${withLogin.stderr}`).not.toContain(password);
    },
    slowMs,
  );
});

describe('names of columns are looked at before a model is', () => {
  it.each([
    [
      'trainer/src/bin/evaluate.ts',
      'data.label_column=lable',
      'expected column "lable" (data.label_column; nearest: "label")',
    ],
    ['trainer/src/bin/evaluate.ts', 'evaluation.group_column=lable', '(evaluation.group_column; nearest: "label")'],
    ['trainer/src/bin/calibrate.ts', 'data.text_column=text_contnt', '(data.text_column; nearest: "text_content")'],
    ['exporter/src/bin/export.ts', 'data.label_column=lable', '(data.label_column; nearest: "label")'],
  ])('%s %s', async (entry, override, message) => {
    const folder = testFolder();
    const root = path.join(folder, 'posts');
    await makePosts(root);
    // Neither a checkpoint nor anything that could be loaded.
    const checkpoint = path.join(folder, 'broken.safetensors');
    writeFileSync(checkpoint, 'x');
    const key = entry.includes('evaluate') ? 'evaluation' : entry.includes('calibrate') ? 'calibration' : 'export';
    const said = await runEntry(`packages/${entry}`, [
      'model=tiny',
      `data.root_dir=${root}`,
      `${key}.checkpoint=${checkpoint}`,
      `hydra.run.dir=${path.join(folder, 'out')}`,
      override,
    ]);
    expect(said.code).toBe(1);
    expect(said.stderr).toContain('CROSSCHECK_DATA_MISSING_COLUMN');
    expect(said.stderr).toContain(message);
  });
});
