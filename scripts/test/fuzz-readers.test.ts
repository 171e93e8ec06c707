import path from 'node:path';
import { fuzzReaders, temporaryFolder } from '@crosscheck/testkit';
import { afterAll, expect, test } from 'vitest';
import { modules, run } from '../fuzz-readers.ts';

const { dir, remove } = temporaryFolder();
afterAll(remove);

test.each(modules.map((module) => [path.relative(path.resolve(import.meta.dirname, '../..'), module), module]))(
  'every reader of %s gives a value or an error of its own for 400 changed files, the same each time',
  async (_, module) => {
    const reports = await fuzzReaders({ module, seed: 8, inputs: 400, folder: dir });
    expect(reports.flatMap(({ violations }) => violations)).toEqual([]);
    expect(reports.map(({ target, accepted }) => [target, accepted > 0])).toEqual(
      reports.map(({ target }) => [target, true]),
    );
  },
  300_000,
);

test('a reader that hangs, takes all memory, throws something else or loses a rejection is found', async () => {
  const module = path.join(import.meta.dirname, 'broken-readers.ts');
  const problemOf = async (only: string, patienceMs = 120_000) => {
    const [report] = await fuzzReaders({ module, seed: 1, inputs: 1, folder: dir, only, patienceMs });
    return report?.violations[0]?.problem;
  };
  expect(await problemOf('hangs', 8000)).toMatch(/^ended the process or hung \(SIGKILL\)/);
  expect(await problemOf('takes-all')).toMatch(/^ended the process or hung/);
  expect(await problemOf('throws')).toContain('TypeError');
  expect(await problemOf('loses')).toContain('outside of any promise');
}, 300_000);

test('`pnpm fuzz readers` takes settings that it knows', async () => {
  for (const wrong of ['inputs=many', 'onyl=pth']) expect(await run([wrong])).toBe(2);
  expect(await run(['only=nothing', `dir=${dir}`])).toBe(2);
}, 300_000);
