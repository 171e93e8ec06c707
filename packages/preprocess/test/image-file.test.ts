import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { temporaryFolder } from '@crosscheck/testkit';
import { afterAll, expect, test } from 'vitest';
import { decodeImage, readImageFile, readImageFileSync } from '../src/index.ts';

const { dir, remove } = temporaryFolder();
const socket = createServer().listen(path.join(dir, 'socket'));
writeFileSync(path.join(dir, 'a.jpg'), Buffer.alloc(1000));
afterAll(() => {
  socket.close();
  remove();
});

test.each([
  ['/dev/zero', /device, a pipe or a socket/],
  [dir, /got a folder/],
  [path.join(dir, 'socket'), /expected an image file/],
  [path.join(dir, 'nothing.jpg'), /got nothing/],
  [path.join(dir, 'a.jpg/b.jpg'), /got nothing/],
])('%s is no image file, read in either way', async (file, reason) => {
  const code = 'CROSSCHECK_IMAGE_UNREADABLE';
  await expect(readImageFile(file)).rejects.toMatchObject({ code, message: expect.stringMatching(reason) });
  await expect(decodeImage(file, { size: 8 })).rejects.toMatchObject({ code, message: expect.stringMatching(reason) });
  expect(() => readImageFileSync(file)).toThrow(reason);
});

test('a file above the limit is refused before it is read', async () => {
  const file = path.join(dir, 'a.jpg');
  expect(await readImageFile(file, 1000)).toHaveLength(1000);
  await expect(readImageFile(file, 999)).rejects.toMatchObject({ code: 'CROSSCHECK_IMAGE_TOO_LARGE' });
  expect(() => readImageFileSync(file, 999)).toThrow(/at most 999 bytes, got 1000/);
});
