import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { temporaryFolder } from '@crosscheck/testkit';
import { afterAll, describe, expect, test } from 'vitest';
import { digestFile, replaceFile, replaceFileSync, sha256Of, sha256OfFile, writeWhole } from '../src/index.ts';

const { dir, remove } = temporaryFolder();
afterAll(remove);

describe('a file that is replaced', () => {
  test.each([false, true])('appears with its folder when it is whole (durable: %s)', async (isDurable) => {
    const file = path.join(dir, `new-${isDurable}`, 'a/b.txt');
    const seen = await replaceFile(
      file,
      async (temporary) => {
        await writeFile(temporary, 'whole');
        return readdirSync(path.dirname(file)).includes('b.txt');
      },
      { isDurable },
    );
    expect([seen, readFileSync(file, 'utf8'), readdirSync(path.dirname(file))]).toEqual([false, 'whole', ['b.txt']]);
  });

  test('stays as it was when the writing fails, and nothing is left beside it', async () => {
    const file = path.join(dir, 'kept.txt');
    writeFileSync(file, 'before');
    const half = async (temporary: string) => {
      await writeFile(temporary, 'ha');
      throw new Error('cut');
    };
    await expect(replaceFile(file, half)).rejects.toThrow('cut');
    mkdirSync(path.join(dir, 'folder/inside'), { recursive: true });
    expect(() => replaceFileSync(path.join(dir, 'folder'), 'x')).toThrow(/EISDIR|ENOTEMPTY|EEXIST/);
    expect(() => writeWhole(path.join(dir, 'folder'), 'x')).toThrow(
      expect.objectContaining({ code: 'CROSSCHECK_OUTPUT_UNWRITABLE' }),
    );
    expect(readFileSync(file, 'utf8')).toBe('before');
    expect(readdirSync(dir).filter((name) => name.endsWith('.part'))).toEqual([]);
  });
});

test('hashes are those of sha256sum', async () => {
  const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
  const file = path.join(dir, 'abc');
  writeWhole(file, 'abc');
  expect([sha256Of('a', Buffer.from('bc')), await sha256OfFile(file)]).toEqual([abc, abc]);
  expect(await digestFile(file)).toEqual({ sha256: abc, bytes: 3 });
});
