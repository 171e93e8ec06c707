import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { temporaryFolder } from '@crosscheck/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { pull } from '../src/index.ts';
import { writeFiles, writeRepository } from './support/repository.ts';

let dir: string;
let remove: () => void;
let repository: string;
beforeEach(() => {
  ({ dir, remove } = temporaryFolder());
  repository = path.join(dir, 'work', 'repository');
  mkdirSync(`${dir}/outside`);
  writeFiles(repository, [
    ['.git/hooks/sample', ''],
    ['.git/config', ''],
  ]);
});
afterEach(() => remove());

const payload = '#!/bin/sh\necho taken over\n';
const md5 = (text: string) => createHash('md5').update(text).digest('hex');

/** Keeps an object where the remote of the repository has it. */
function keep(text: string, end = ''): string {
  const hash = md5(text);
  writeFiles(`${dir}/remote/files/md5`, [[`${hash.slice(0, 2)}/${hash.slice(2)}${end}`, text]]);
  return `${hash}${end}`;
}

interface Tracked {
  path: string;
  wdir?: string;
  relpaths?: string[];
  size?: number;
}

const quoted = (text: string) => JSON.stringify(text);

function track(name: string, { path: out, wdir, relpaths, size }: Tracked): void {
  const listing = relpaths?.map((relpath) => ({ md5: keep(payload), relpath }));
  const hash = listing ? keep(JSON.stringify(listing), '.dir') : keep(payload);
  const lines = [...(wdir === undefined ? [] : [`wdir: ${quoted(wdir)}`]), 'outs:', `- md5: '${hash}'`];
  if (size !== undefined) lines.push(`  size: ${size}`);
  lines.push('  hash: md5', `  path: ${quoted(out)}`);
  writeRepository(repository, `${dir}/remote`, '');
  writeFiles(repository, [
    ['data.dvc', lines.join('\n')],
    ...(name === 'data.dvc' ? [] : [[name, lines.join('\n')] as [string, string]]),
  ]);
}

/** Every file and link below `dir` but the remote's and DVC's own. */
function snapshot(): string[] {
  const entries = readdirSync(dir, { recursive: true, withFileTypes: true });
  const names = entries.filter((entry) => !entry.isDirectory()).map((entry) => path.join(entry.parentPath, entry.name));
  return names.filter((name) => !name.includes('/remote/') && !name.includes('/.dvc/cache/')).toSorted();
}

async function expectRefusal(code: string, parts: string[]): Promise<void> {
  const before = snapshot();
  const error = await pull({ cwd: repository }).catch((cause: unknown) => cause);
  expect(error).toMatchObject({ code });
  for (const part of parts) expect((error as Error).message).toContain(part);
  expect(snapshot()).toEqual(before);
}

describe('a .dvc file', () => {
  test.each([
    ['/escaped-absolute', 'absolute'],
    ['C:\\Windows\\x', 'absolute'],
    ['c:x', 'absolute'],
    ['\\\\host\\share\\x', 'absolute'],
    ['../ESCAPED', 'outside'],
    ['a/../../ESCAPED', 'outside'],
    ['..', 'outside'],
    ['.', 'outside'],
    ['.git/hooks/post-merge', '.git'],
    ['.GIT/hooks/post-merge', '.git'],
    ['./.git/hooks/post-merge', '.git'],
    ['a/../.git/hooks/post-merge', '.git'],
    ['.git\\hooks\\post-merge', '.git'],
    ['.git /hooks/post-merge', '.git'],
    ['.git./hooks/post-merge', '.git'],
    ['git~1/hooks/post-merge', '.git'],
    ['.git::$INDEX_ALLOCATION/hooks/post-merge', '.git'],
    ['.g\u200cit/hooks/post-merge', '.git'],
    ['module/.git/hooks/post-merge', '.git'],
    ['.git', '.git'],
    ['.dvc/config.local', '.dvc'],
    ['.DVC/config', '.dvc'],
    ['other.dvc', 'DVC itself'],
    ['dvc.yaml', 'DVC itself'],
    ['a\0b', 'NUL'],
  ])('with the path %j is refused by name', async (name, problem) => {
    track('data.dvc', { path: name });
    await expectRefusal('CROSSCHECK_DVC_UNSAFE_PATH', [JSON.stringify(name), `${repository}/data.dvc`, problem]);
  });

  test.each(['../', '/tmp', '.git', 'sub/../..'])('with the wdir %j is refused by name', async (wdir) => {
    track('data.dvc', { path: 'hooks/post-merge', wdir });
    await expectRefusal('CROSSCHECK_DVC_UNSAFE_PATH', [`${repository}/data.dvc`]);
  });

  test('may name a place elsewhere in the repository', async () => {
    track('sub/data.dvc', { path: './placed', wdir: '..' });
    writeFileSync(`${repository}/data.dvc`, readFileSync(`${repository}/sub/data.dvc`, 'utf8').replace('".."', '"."'));
    await pull({ cwd: repository });
    expect(readFileSync(`${repository}/placed`, 'utf8')).toBe(payload);
  });

  test.each(['data', 'data/deeper'])('is refused where %s is a link that leads out', async (link) => {
    mkdirSync(path.dirname(`${repository}/${link}`), { recursive: true });
    symlinkSync(`${dir}/outside`, `${repository}/${link}`);
    track('data.dvc', { path: 'data', relpaths: ['deeper/x', 'y'] });
    await expectRefusal('CROSSCHECK_DVC_UNSAFE_PATH', [`${repository}/data.dvc`, `${dir}/outside`]);
  });

  test.each([
    ['into .git', '.git/hooks'],
    ['to nothing', 'nowhere'],
  ])('is refused where a link leads %s', async (_, target) => {
    symlinkSync(`${repository}/${target}`, `${repository}/data`);
    track('data.dvc', { path: 'data', relpaths: ['post-merge'] });
    await expectRefusal('CROSSCHECK_DVC_UNSAFE_PATH', [`${repository}/data.dvc`]);
  });

  test('takes the place of a link, and writes nothing through it', async () => {
    writeFileSync(`${dir}/outside/kept`, 'mine');
    symlinkSync(`${dir}/outside/kept`, `${repository}/placed`);
    track('data.dvc', { path: 'placed' });
    await pull({ cwd: repository, force: true });
    expect(lstatSync(`${repository}/placed`).isFile()).toBe(true);
    expect(readFileSync(`${dir}/outside/kept`, 'utf8')).toBe('mine');
  });

  test.each(['', '.part'])('does not use a link%s that waits in the cache', async (end) => {
    writeFileSync(`${dir}/outside/kept`, '#!');
    track('data.dvc', { path: 'placed' });
    const inCache = `${repository}/.dvc/cache/files/md5/${md5(payload).slice(0, 2)}`;
    mkdirSync(inCache, { recursive: true });
    symlinkSync(`${dir}/outside/kept`, `${inCache}/${md5(payload).slice(2)}${end}`);
    await pull({ cwd: repository });
    expect(readFileSync(`${repository}/placed`, 'utf8')).toBe(payload);
    expect(readFileSync(`${dir}/outside/kept`, 'utf8')).toBe('#!');
  });

  test.each(['size: 1e30', 'size: -1', 'hash: sha1'])('with %s is refused', async (line) => {
    track('data.dvc', { path: 'placed' });
    const file = `${repository}/data.dvc`;
    writeFileSync(file, readFileSync(file, 'utf8').replace('hash: md5', line));
    await expectRefusal('CROSSCHECK_DVC_BAD_FILE', [file]);
  });

  test.each(['../../../../etc/passwd', 'zz704aefb3fd299ec761b527f341e06g', ''])(
    'with the md5 %j is refused',
    async (hash) => {
      track('data.dvc', { path: 'placed' });
      const file = `${repository}/data.dvc`;
      writeFileSync(file, readFileSync(file, 'utf8').replace(md5(payload), hash));
      await expectRefusal('CROSSCHECK_DVC_BAD_FILE', [file]);
    },
  );

  test('whose object is longer than its size gets no more than that', async () => {
    track('data.dvc', { path: 'placed', size: payload.length - 1 });
    await expectRefusal('CROSSCHECK_DVC_TOO_LARGE', [`${payload.length - 1} bytes`]);
    track('data.dvc', { path: 'placed', size: payload.length });
    await pull({ cwd: repository });
    expect(existsSync(`${repository}/placed`)).toBe(true);
  });
});

describe('a listing', () => {
  test.each([
    '/escaped',
    '../escaped',
    'a/../../escaped',
    'a/./b',
    './b',
    'a//b',
    'a/',
    '',
    '.git/hooks/post-merge',
    'a/.Git/config',
    '.dvc/config',
    '..\\escaped',
    'c:\\escaped',
    'a\0b',
  ])('with the path %j is refused by name', async (relpath) => {
    track('data.dvc', { path: 'data', relpaths: ['good', relpath] });
    await expectRefusal('CROSSCHECK_DVC_BAD_LISTING', [JSON.stringify(relpath), `${repository}/data.dvc`, '.dir']);
  });

  test('of one folder in the place of another file is refused', async () => {
    track('data.dvc', { path: 'data', relpaths: ['a/b', 'a'] });
    await expectRefusal('CROSSCHECK_DVC_CONFLICT', [`${repository}/data/a`, 'data.dvc']);
  });

  test('with a folder where a file belongs is refused', async () => {
    track('data.dvc', { path: 'data', relpaths: ['a'] });
    mkdirSync(`${repository}/data/a`, { recursive: true });
    await expectRefusal('CROSSCHECK_DVC_WOULD_OVERWRITE', [`${repository}/data/a`]);
  });
});
