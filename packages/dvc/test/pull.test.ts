import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { runEntry, temporaryFolder } from '@crosscheck/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openStore } from '../../storage/src/index.ts';
import { startS3Server } from '../../storage/test/support/s3-server.ts';
import { pull } from '../src/index.ts';
import { type HttpRemote, startHttpRemote } from './support/http-remote.ts';
import { trackFolder, writeFiles, writeRepository } from './support/repository.ts';

const large = 'a picture of two megabytes '.repeat(80_000);
const files = { 'train.csv': 'text\n', 'images/ü 1.jpg': large, 'images/copy.jpg': large, 'empty.txt': '' };
const { objects, dvcFile } = trackFolder({ files });
const keyOf = (content: string) => [...objects].find(([, object]) => object === content)?.[0] as string;

let dir: string;
let remove: () => void;
const remotes: HttpRemote[] = [];
beforeEach(() => ({ dir, remove } = temporaryFolder()));
afterEach(() => {
  remove();
  for (const remote of remotes.splice(0)) remote.stop();
});

const options = () => ({ cwd: dir });
const placed = () =>
  Object.fromEntries(Object.keys(files).map((name) => [name, readFileSync(`${dir}/data/${name}`, 'utf8')]));

async function serve(content: ReadonlyMap<string, string> = objects): Promise<HttpRemote> {
  const remote = await startHttpRemote(content);
  remotes.push(remote);
  writeRepository(dir, remote.url, dvcFile);
  return remote;
}

describe('a pull', () => {
  test('from a folder brings every file, and a second one nothing', async () => {
    writeFiles(`${dir}/storage`, objects);
    writeRepository(dir, '../storage', dvcFile);
    const seen = { files: 0, bytes: 0, start: { files: 0, bytes: 0 } };
    const watcher = {
      start: (total: { files: number; bytes: number }) => (seen.start = total),
      bytes: (count: number) => (seen.bytes += count),
      file: () => seen.files++,
    };
    const first = await pull({ ...options(), watcher });
    expect(placed()).toEqual(files);
    expect(first).toMatchObject({ files: 4, placed: 4, dvcFiles: [`${dir}/data.dvc`] });
    expect(seen.start).toEqual({ files: 4, bytes: 2 * large.length + 5 });
    expect([seen.files, seen.bytes]).toEqual([4, large.length + 5]);
    expect(first.fetchedBytes).toBeGreaterThanOrEqual(seen.bytes);
    expect(await pull(options())).toMatchObject({ files: 4, placed: 0, fetchedBytes: 0 });
  });

  test('over HTTP fetches equal files once', async () => {
    const remote = await serve();
    await pull(options());
    expect(placed()).toEqual(files);
    expect(remote.requests.filter((request) => request.startsWith(keyOf(large)))).toHaveLength(1);
  });

  test('from public S3 needs no credentials', async () => {
    const server = await startS3Server('public');
    try {
      const bucket = openStore('s3://posts/dvc', { endpoint: server.endpoint, credentials: null });
      for (const [key, content] of objects) await bucket.write(key, Buffer.from(content));
      const s3 = `    endpointurl = ${server.endpoint}\n    allow_anonymous_login = true\n`;
      writeRepository(dir, 's3://posts/dvc', dvcFile, s3);
      await pull(options());
      expect(placed()).toEqual(files);
    } finally {
      server.stop();
    }
  });

  test('reads the layout of DVC 2, with its hashes of text with Windows line ends', async () => {
    const old = trackFolder({ files: { 'a.csv': 'x\ny\n', 'b.bin': 'z' }, layout: 'dvc2' });
    writeFiles(`${dir}/storage`, old.objects);
    const key = [...old.objects].find(([, content]) => content === 'x\ny\n')?.[0] as string;
    writeFileSync(`${dir}/storage/${key}`, 'x\r\ny\r\n');
    writeRepository(dir, `${dir}/storage`, old.dvcFile);
    await pull(options());
    expect(readFileSync(`${dir}/data/a.csv`, 'utf8')).toBe('x\r\ny\r\n');
    expect(existsSync(`${dir}/.dvc/cache/${key}`)).toBe(true);
  });

  test('goes on in the middle of an object when the line broke', async () => {
    const remote = await serve();
    let isBroken = false;
    remote.disturb = (key, response) => {
      if (key !== keyOf(large) || isBroken) return false;
      isBroken = true;
      response.writeHead(200, { 'content-length': large.length });
      const part = `${dir}/.dvc/cache/${key}.part`;
      const breakWhenBegun = () =>
        void (statSync(part, { throwIfNoEntry: false })?.size ? response.destroy() : setTimeout(breakWhenBegun, 5));
      response.write(large.slice(0, 500_000), breakWhenBegun);
      return true;
    };
    await pull(options());
    expect(placed()).toEqual(files);
    const ranges = remote.requests.filter((request) => request.startsWith(`${keyOf(large)} bytes=`));
    expect(ranges).toEqual([expect.stringMatching(/ bytes=[1-9]\d*-$/)]);
  });

  test('goes on with what a killed one left, and begins anew where that is something else', async () => {
    const remote = await serve();
    const part = `${dir}/.dvc/cache/${keyOf(large)}.part`;
    writeFiles(`${dir}/.dvc/cache`, [[`${keyOf(large)}.part`, large.slice(0, 1_000_000)]]);
    await pull(options());
    expect(remote.requests).toContain(`${keyOf(large)} bytes=1000000-`);
    rmSync(`${dir}/data`, { recursive: true });
    rmSync(`${dir}/.dvc/cache`, { recursive: true });
    writeFiles(`${dir}/.dvc/cache`, [[`${keyOf(large)}.part`, `something else${large}`]]);
    await pull(options());
    expect(placed()).toEqual(files);
    expect(existsSync(part)).toBe(false);
  });

  test('takes the remote of config.local or of the command line', async () => {
    writeFiles(`${dir}/storage`, objects);
    writeRepository(dir, 'http://127.0.0.1:9', dvcFile);
    writeFileSync(
      `${dir}/.dvc/config.local`,
      `['remote "main"']\n    url = ${dir}/storage\n['remote "near"']\nurl=${dir}/storage\n`,
    );
    expect(await pull(options())).toMatchObject({ placed: 4 });
    rmSync(`${dir}/data`, { recursive: true });
    expect(await pull({ ...options(), remote: 'near', targets: ['data'] })).toMatchObject({
      placed: 4,
      fetchedBytes: 0,
    });
  });

  test('sends the password that the config holds', async () => {
    const remote = await serve();
    appendFileSync(`${dir}/.dvc/config`, '    auth = basic\n    user = reader\n    password = secret\n');
    remote.disturb = (_, response) => {
      if (response.req.headers.authorization === `Basic ${btoa('reader:secret')}`) return false;
      response.writeHead(401).end();
      return true;
    };
    expect(await pull(options())).toMatchObject({ placed: 4 });
  });
});

describe('what goes wrong is said', () => {
  const failure = (more = {}) => pull({ ...options(), ...more }).catch((error: unknown) => error);
  const says = (code: string, text: string) => ({ code, message: expect.stringContaining(text) });

  test('bytes that are not those of the name never reach the working tree', async () => {
    const broken = new Map(objects).set(keyOf(large), 'other bytes');
    await serve(broken);
    expect(await failure()).toMatchObject(says('CROSSCHECK_DVC_MD5_MISMATCH', keyOf(large)));
    expect(existsSync(`${dir}/data/images`)).toBe(false);
    expect(readdirSync(`${dir}/.dvc/cache/${keyOf(large).slice(0, 12)}`)).toEqual([]);
  });

  test('an object that the remote lacks', async () => {
    await serve(new Map([...objects].filter(([key]) => key !== keyOf('text\n'))));
    expect(await failure()).toMatchObject(says('CROSSCHECK_DVC_NOT_IN_REMOTE', keyOf('text\n')));
  });

  test('a remote that lets nobody in, or is away', async () => {
    const remote = await serve();
    remote.disturb = (_, response) => response.writeHead(403).end() !== undefined;
    expect(await failure()).toMatchObject(says('CROSSCHECK_STORAGE_DENIED', '403'));
    writeRepository(dir, 'http://127.0.0.1:9', dvcFile);
    expect(await failure()).toMatchObject(says('CROSSCHECK_STORAGE_UNREACHABLE', '127.0.0.1:9'));
  });

  test('no remote, an unknown one, one that only DVC reads', async () => {
    writeRepository(dir, '../storage', dvcFile);
    expect(await failure({ remote: 'backup' })).toMatchObject(says('CROSSCHECK_DVC_NO_REMOTE', 'there is main'));
    writeRepository(dir, 'gs://bucket/x', dvcFile);
    expect(await failure()).toMatchObject(says('CROSSCHECK_DVC_REMOTE_UNSUPPORTED', 'dvc pull'));
    writeFileSync(`${dir}/.dvc/config`, '');
    expect(await failure()).toMatchObject(says('CROSSCHECK_DVC_NO_REMOTE', 'none is configured'));
  });

  test('a file that would be lost, until force says that it may', async () => {
    await serve();
    writeFiles(dir, [['data/train.csv', 'my own rows']]);
    expect(await failure()).toMatchObject(says('CROSSCHECK_DVC_WOULD_OVERWRITE', 'data/train.csv'));
    expect(readFileSync(`${dir}/data/train.csv`, 'utf8')).toBe('my own rows');
    expect(existsSync(`${dir}/data/images`)).toBe(false);
    await pull({ ...options(), force: true });
    expect(placed()).toEqual(files);
  });

  test('a .dvc file or listing that is none, an unknown target, no repository', async () => {
    await serve();
    expect(await failure({ targets: ['other'] })).toMatchObject(says('CROSSCHECK_DVC_UNKNOWN_TARGET', 'data.dvc'));
    const evil = trackFolder({ files: { '../../outside': 'x' } });
    const remote = await serve(evil.objects);
    writeRepository(dir, remote.url, evil.dvcFile);
    expect(await failure()).toMatchObject(says('CROSSCHECK_DVC_BAD_LISTING', 'inside the folder'));
    writeFileSync(`${dir}/data.dvc`, 'outs:\n- path: x\n');
    expect(await failure()).toMatchObject(says('CROSSCHECK_DVC_BAD_FILE', 'md5'));
    rmSync(`${dir}/.dvc`, { recursive: true });
    expect(await failure()).toMatchObject(says('CROSSCHECK_DVC_NO_REPOSITORY', dir));
  });

  test('the command says it with its code, and what it takes', async () => {
    await serve();
    const run = (...args: string[]) => runEntry('packages/dvc/src/bin/pull.ts', args, { cwd: dir });
    expect(await run('jobs=0')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('CROSSCHECK_DVC_BAD_OPTION'),
    });
    expect((await run('--help')).stdout).toContain('jobs=16');
    expect(await run('data.dvc', 'jobs=2')).toMatchObject({
      code: 0,
      stdout: '4 files of data.dvc: 0 were there, 4 placed, 2.2 MB fetched\n',
    });
  });

  test('pnpm says where the command was called; a script around it, such as npm test, does not', async () => {
    await serve();
    const run = (script: string, cwd: string) =>
      runEntry('packages/dvc/src/bin/pull.ts', [], { cwd, env: { INIT_CWD: dir, npm_lifecycle_event: script } });
    const elsewhere = temporaryFolder();
    try {
      expect(await run('test', elsewhere.dir)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining(`CROSSCHECK_DVC_NO_REPOSITORY: expected a folder .dvc in ${elsewhere.dir}`),
      });
      expect(await run('data:pull', elsewhere.dir)).toMatchObject({
        code: 0,
        stdout: '4 files of data.dvc: 0 were there, 4 placed, 2.2 MB fetched\n',
      });
    } finally {
      elsewhere.remove();
    }
  });
});
