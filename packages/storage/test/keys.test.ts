import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ObjectStore, openStore, readAll } from '../src/index.ts';

const folder = temporaryFolder();
beforeAll(() => {
  mkdirSync(`${folder.dir}/store`);
  writeFileSync(`${folder.dir}/secret`, 'secret');
});
afterAll(() => folder.remove());

// Nobody answers there: a key that was not refused first would end as UNREACHABLE.
const patience = { tries: 1 };
const stores: Record<string, () => ObjectStore> = {
  'a folder': () => openStore(`${folder.dir}/store`),
  'an address': () => openStore('http://127.0.0.1:9/base', { patience }),
  'a bucket': () => openStore('s3://posts/base', { endpoint: 'http://127.0.0.1:9', credentials: null, patience }),
};
const hostile = ['../secret', 'a/../../secret', '..', './x', 'a/./b', '/etc/passwd', '..\\secret', 'C:\\x', 'a\0b'];

describe.each(Object.keys(stores))('%s', (kind) => {
  test.each(hostile)('refuses the key %j', async (key) => {
    const store = (stores[kind] as () => ObjectStore)();
    const refusal = { code: 'CROSSCHECK_STORAGE_BAD_KEY', message: expect.stringContaining(JSON.stringify(key)) };
    await expect(store.read(key)).rejects.toMatchObject(refusal);
    await expect(store.exists(key)).rejects.toMatchObject(refusal);
    expect(readdirSync(folder.dir).toSorted()).toEqual(['secret', 'store']);
  });
});

test.each(hostile)('a folder is neither written nor listed at %j', async (key) => {
  const store = openStore(`${folder.dir}/store`);
  const refusal = { code: 'CROSSCHECK_STORAGE_BAD_KEY' };
  await expect(store.write(key, Buffer.from('x'))).rejects.toMatchObject(refusal);
  await expect(store.writeStream(key, (async function* () {})())).rejects.toMatchObject(refusal);
  await expect(store.list(key)).rejects.toMatchObject(refusal);
  expect(readdirSync(folder.dir).toSorted()).toEqual(['secret', 'store']);
});

test('only files are objects: a pipe is not waited for', async () => {
  execFileSync('mkfifo', [`${folder.dir}/store/pipe.jpg`]);
  const store = openStore(`${folder.dir}/store`);
  await expect(readAll(store, 'pipe.jpg')).rejects.toMatchObject({ code: 'CROSSCHECK_STORAGE_NOT_FOUND' });
});
