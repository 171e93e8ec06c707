import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { userCacheFolder } from '@crosscheck/files';
import { repositoryRoot } from '@crosscheck/testkit';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';

const uid = 54_322;
// A folder that every user may enter and write.
const dir = mkdtempSync('/tmp/crosscheck-any-user-');
spawnSync('chmod', ['777', dir]);
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Runs a program as a user without passwd entry, group and HOME, as `docker run --user` does. */
function asNobody(program: string, args: string[], env: string[] = [`CROSSCHECK_CACHE=${dir}/cache`]): ChildProcess {
  const user = [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];
  const unset = ['-u', 'HOME', '-u', 'XDG_CACHE_HOME', '-u', 'CROSSCHECK_CACHE'];
  const child = spawn('setpriv', [...user, 'env', ...unset, `TMPDIR=${dir}`, ...env, program, ...args], {
    cwd: dir,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

async function endOf(child: ChildProcess): Promise<{ code: number | null; stdout: string; stderr: string }> {
  let [stdout, stderr] = ['', ''];
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

const entry = (file: string) => ['--conditions=@crosscheck/source', path.join(repositoryRoot, file)];
const run = (file: string, ...args: string[]) => endOf(asNobody(process.execPath, [...entry(file), ...args]));

const enter = [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', process.execPath, '-e'];
const readEntry = `fs.readFileSync(${JSON.stringify(path.join(repositoryRoot, 'package.json'))})`;
const canBe = spawnSync('setpriv', [...enter, readEntry]).status === 0;

/** The runtimes of TensorFlow, by hard links where the file system allows it: the home that has them may be closed. */
function lendRuntimes(): void {
  const from = userCacheFolder();
  const runtimes = readdirSync(from).filter((name) => name.startsWith('tensorflow-'));
  spawnSync('mkdir', ['-m', '777', `${dir}/cache`]);
  for (const name of runtimes) {
    const source = path.join(from, name);
    if (spawnSync('cp', ['-al', source, `${dir}/cache`]).status !== 0) spawnSync('cp', ['-a', source, `${dir}/cache`]);
  }
}

const slowMs = 300_000;
const posts = ['data=demo', 'data.root_dir=posts'];

describe.skipIf(!canBe)(
  'a user without home or passwd entry (skipped: needs root, and a checkout that others may read)',
  { timeout: slowMs },
  () => {
    beforeAll(() => {
      lendRuntimes();
      symlinkSync(path.join(repositoryRoot, 'assets'), path.join(dir, 'assets'));
    });

    test('makes posts, trains, exports, judges and serves, one after the other', async () => {
      const demo = await run('packages/demo/src/bin/demo.ts', 'dir=posts', 'train=32', 'val=16', 'test=16');
      expect(demo).toMatchObject({ code: 0, stderr: '' });
      const once = ['training.num_epochs=1', 'training.batch_size=16'];
      const trained = await run('packages/trainer/src/bin/train.ts', 'model=tiny', ...posts, ...once);
      expect(trained).toMatchObject({ code: 0, stdout: expect.stringContaining('best checkpoint: ') });
      expect(existsSync(path.join(dir, 'mlflow.db'))).toBe(true);
      const exported = await run('packages/exporter/src/bin/export.ts', ...posts, 'export.output_dir=artifact');
      expect(exported).toMatchObject({ code: 0, stdout: expect.stringContaining('Exported ') });
      const batch = ['csv_file=posts/test.csv', 'root_dir=posts', 'output_file=judged.csv'];
      const keys = ['inference.mode=batch', ...batch.map((key) => `inference.batch.${key}`)];
      const judged = await run('packages/inference/src/bin/infer.ts', ...keys);
      expect(judged).toMatchObject({ code: 0, stdout: expect.stringContaining('Inference completed successfully!') });
      expect(readFileSync(path.join(dir, 'judged.csv'), 'utf8').trim().split('\n')).toHaveLength(17);
      await serveOnce();
    });

    test('gets an environment for Python in a temporary folder of its own', async () => {
      const script = path.join(repositoryRoot, 'scripts/python-env.mjs');
      const { code, stdout, stderr } = await endOf(asNobody(process.execPath, [script, 'any-user', 'pip'], []));
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toMatch(new RegExp(`^${dir}/crosscheck-${uid}/python/any-user-\\w+/bin/python\n$`));
    });
  },
);

/** Starts the service, asks whether it is well, and stops it. */
async function serveOnce(): Promise<void> {
  const args = [...entry('packages/server/src/bin/serve.ts'), 'serve.port=0', 'serve.host=127.0.0.1'];
  const service = asNobody(process.execPath, [...args, 'serve.artifact=artifact']);
  const ended = endOf(service);
  const url = await new Promise<string>((resolve, reject) => {
    let said = '';
    service.stdout?.on('data', (text: string) => {
      said += text;
      const found = /answers at (http:\/\/[\d.:]+)/.exec(said)?.[1];
      if (found !== undefined) resolve(found);
    });
    void ended.then(({ stderr }) => reject(new Error(`the service did not start: ${stderr}`)));
  });
  const [answer] = (await once(http.get(`${url}/health`), 'response')) as [http.IncomingMessage];
  expect(answer.resume().statusCode).toBe(200);
  service.kill('SIGTERM');
  expect(await ended).toMatchObject({ code: 0 });
}
