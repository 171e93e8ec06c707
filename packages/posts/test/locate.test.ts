import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { temporaryFolder } from '@crosscheck/testkit';
import { afterAll, expect, test } from 'vitest';
import { createImageLocator, type ImagePlaces } from '../src/index.ts';

const { dir, remove } = temporaryFolder();
afterAll(remove);
const root = path.join(dir, 'images');
mkdirSync(path.join(root, 'deep'), { recursive: true });
mkdirSync(path.join(dir, 'other'));
for (const name of ['images/a.jpg', 'images/deep/b.jpg', 'secret.jpg', 'other/c.jpg', 'images/Case.JPG'])
  writeFileSync(path.join(dir, name), 'not looked into here');
const nfd = 'cafe\u0301.jpg';
writeFileSync(path.join(root, nfd), 'not looked into here');
writeFileSync(path.join(root, 'empty.jpg'), '');
symlinkSync(path.join(dir, 'secret.jpg'), path.join(root, 'link.jpg'));
const socket = createServer().listen(path.join(root, 'pipe.jpg'));
afterAll(() => socket.close());
symlinkSync('/dev/zero', path.join(root, 'zero.jpg'));

async function find(cell: string, places: Partial<ImagePlaces> = {}): Promise<string> {
  const locate = createImageLocator({ root, keys: { root: 'images_dir', allowOutsideRoot: 'allow' }, ...places });
  const found = await locate(cell);
  if ('code' in found) return `${found.code.replace('CROSSCHECK_DATA_', '')}: ${found.message}`;
  return `${path.relative(dir, found.file)}${found.isRespelt ? ' (respelt)' : ''}`;
}

test('a path leads to the file it names, and to nothing outside of its folder', async () => {
  expect(await find(' deep/b.jpg ')).toBe('images/deep/b.jpg');
  expect(await find(path.join(root, 'a.jpg'))).toBe('images/a.jpg');
  for (const cell of [
    '../secret.jpg',
    'deep/../../secret.jpg',
    path.join(dir, 'secret.jpg'),
    '/dev/zero',
    '../images/a.jpg',
  ])
    expect(await find(cell)).toMatch(/^IMAGE_OUTSIDE: .*allow=true/);
  expect(await find('../secret.jpg', { allowOutsideRoot: true })).toBe('secret.jpg');
  expect(await find('../secret.jpg', { trusted: [dir] })).toBe('secret.jpg');
  expect(await find('link.jpg')).toBe('images/link.jpg');
});

test('devices, pipes, folders and empty files are no images', async () => {
  expect(await find('zero.jpg')).toMatch(/^MISSING_IMAGE: .*no regular file/);
  expect(await find('pipe.jpg')).toMatch(/^MISSING_IMAGE: .*no regular file/);
  expect(await find('/dev/zero', { allowOutsideRoot: true })).toMatch(/^MISSING_IMAGE: .*no regular file/);
  expect(await find('deep')).toMatch(/^MISSING_IMAGE: .*folder/);
  expect(await find('empty.jpg')).toMatch(/^MISSING_IMAGE: .*empty/);
  expect(await find('a\0.jpg')).toMatch(/^MISSING_IMAGE/);
});

test('other spellings of one file find it; another case is only told', async () => {
  expect(await find('caf\u00e9.jpg')).toBe(`images/${nfd} (respelt)`);
  expect(await find('deep\\b.jpg')).toBe('images/deep/b.jpg (respelt)');
  expect(await find('..\\secret.jpg')).toMatch(/^MISSING_IMAGE/);
  expect(await find('case.jpg')).toMatch(/^MISSING_IMAGE: .*did you mean .*Case\.JPG/);
  expect(await find('cafe\u0301s.jpg')).toContain('cafe\\u{301}s.jpg');
  writeFileSync(path.join(root, 'caf\u00e9.jpg'), 'not looked into here');
  expect(await find('caf\u00e9.jpg')).toBe('images/caf\u00e9.jpg');
});

test('further folders are searched, and two images of one name are none', async () => {
  expect(await find('c.jpg', { others: [path.join(dir, 'other')] })).toBe('other/c.jpg');
  mkdirSync(path.join(dir, 'third'));
  writeFileSync(path.join(dir, 'third/c.jpg'), 'another');
  const others = ['other', 'third'].map((name) => path.join(dir, name));
  expect(await find('c.jpg', { others })).toMatch(/^AMBIGUOUS_IMAGE: .*other\/c\.jpg and .*third\/c\.jpg/);
  expect(await find('a.jpg', { others })).toBe('images/a.jpg');
  expect(await find('gone/x.jpg')).toMatch(/nor a folder .*gone; is images_dir right/);
});
