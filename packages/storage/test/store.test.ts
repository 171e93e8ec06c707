import { temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ObjectStore, openStore, readAll } from '../src/index.ts';
import { installTimeoutMs } from './support/python.ts';
import { type S3Server, startS3Server } from './support/s3-server.ts';

const folder = temporaryFolder();
let server: S3Server;
beforeAll(async () => {
  server = await startS3Server('signed');
}, installTimeoutMs);
afterAll(() => {
  server?.stop();
  folder.remove();
});

const open: Record<string, (name: string) => ObjectStore> = {
  'a folder': (name) => openStore(`${folder.dir}/${name}`),
  S3: (name) =>
    openStore(`s3://posts/${name}/`, { endpoint: server.endpoint, credentials: server, partBytes: 8 << 20 }),
};
const bytes = (text: string) => Buffer.from(text);
const text = async (store: ObjectStore, key: string) => (await readAll(store, key)).toString();

describe.each(Object.keys(open))('%s', (kind) => {
  const openOf = (name: string) => (open[kind] as (name: string) => ObjectStore)(name);

  test('gives back what was written, whatever the key', async () => {
    const store = openOf('keys');
    for (const key of ['a.csv', 'b/c d+e.csv', "b/quote's (1)*!.csv", 'ünï/🙂/~x=1&y.csv', '100%.csv']) {
      expect(await store.exists(key)).toBe(false);
      expect(await store.write(key, bytes(`<${key}>`))).toBe(true);
      expect(await text(store, key)).toBe(`<${key}>`);
      expect(await store.exists(key)).toBe(true);
    }
    await store.write('a.csv', bytes('second'));
    expect(await text(store, 'a.csv')).toBe('second');
  });

  test('lists all keys of a folder by code points, over several pages', async () => {
    const store = openOf('listing');
    expect(await store.list('')).toEqual([]);
    const keys = ['parts/0.csv', ...Array.from({ length: 15 }, (_, i) => `parts/1${i}.csv`), 'parts/a-b', 'parts/a/b'];
    // By UTF-16 units the last two would change places.
    const odd = ['z/\u{FF5E}', 'z/\u{1F642}'];
    for (const key of ['other/x', 'partsx', ...keys, ...odd].reverse()) await store.write(key, bytes('x'));
    expect(await store.list('parts')).toEqual([...keys].sort());
    expect(await store.list('z')).toEqual(odd);
    expect(await store.list('')).toHaveLength(2 + keys.length + odd.length);
  });

  test('deletes an object, and one that is not there', async () => {
    const store = openOf('deleting');
    for (const key of ['a/b.csv', "a/quote's.csv"]) await store.write(key, bytes('x'));
    await store.remove("a/quote's.csv");
    await store.remove('a/nothing.csv');
    expect(await store.list('')).toEqual(['a/b.csv']);
    await expect(store.remove('../outside')).rejects.toMatchObject({ code: 'CROSSCHECK_STORAGE_BAD_KEY' });
  });

  test('lets one of many writers win where an object must not be there yet', async () => {
    const store = openOf('race');
    const writers = Array.from({ length: 8 }, (_, i) => `writer ${i}`);
    const won = await Promise.all(writers.map((name) => store.write('part', bytes(name), { onlyIfAbsent: true })));
    expect(won.filter(Boolean)).toHaveLength(1);
    expect(await text(store, 'part')).toBe(writers[won.indexOf(true)]);
    expect(await store.write('part', bytes('late'), { onlyIfAbsent: true })).toBe(false);
  });

  test('reads from a byte on, and nothing past the end', async () => {
    const store = openOf('ranges');
    await store.write('digits', bytes('0123456789'));
    const from = async (first: number) => {
      const body = await store.read('digits', { from: first });
      let read = '';
      for await (const chunk of body.chunks) read += Buffer.from(chunk).toString();
      return [body.from, read];
    };
    expect(await from(4)).toEqual([4, '456789']);
    expect(await from(10)).toEqual([10, '']);
  });

  test('writes a stream of several parts, and nothing when the stream breaks', async () => {
    const store = openOf('streams');
    const block = Buffer.alloc(5 << 20, 'block of five mebibytes ');
    async function* blocks(isBroken: boolean) {
      for (let i = 0; i < 4; i++) yield block;
      if (isBroken) throw new Error('the source broke off');
    }
    await store.writeStream('whole', blocks(false));
    const whole = Buffer.concat(Array.from({ length: 4 }, () => block));
    expect((await readAll(store, 'whole')).equals(whole)).toBe(true);
    await expect(store.writeStream('broken', blocks(true))).rejects.toThrow('broke off');
    expect(await store.list('')).toEqual(['whole']);
  });

  test('says which object is missing', async () => {
    await expect(openOf('empty').read('nothing.csv')).rejects.toMatchObject({
      code: 'CROSSCHECK_STORAGE_NOT_FOUND',
      message: expect.stringContaining('empty/nothing.csv'),
    });
  });
});

test('a folder says what cannot be written', async () => {
  const store = openStore(`${folder.dir}/blocked`);
  await store.write('file', bytes('x'));
  const code = 'CROSSCHECK_STORAGE_WRITE_FAILED';
  await expect(store.write('file/below', bytes('x'))).rejects.toMatchObject({ code });
});

describe('S3 credentials', () => {
  test('that are wrong are refused', async () => {
    const wrong = { ...server, secretAccessKey: 'wrong' };
    const store = openStore('s3://posts', { endpoint: server.endpoint, credentials: wrong });
    await expect(store.read('a')).rejects.toMatchObject({
      code: 'CROSSCHECK_STORAGE_DENIED',
      message: expect.stringContaining('SignatureDoesNotMatch'),
    });
    await expect(store.write('a', bytes('x'))).rejects.toMatchObject({ code: 'CROSSCHECK_STORAGE_DENIED' });
  });

  test('are left out where a bucket is public', async () => {
    const open = await startS3Server('public');
    try {
      const store = openStore('s3://posts/free', { endpoint: open.endpoint, credentials: null });
      await store.write('a', bytes('free'));
      expect(await text(store, 'a')).toBe('free');
    } finally {
      open.stop();
    }
  });
});
