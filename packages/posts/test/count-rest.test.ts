import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { temporaryFolder } from '@crosscheck/testkit';
import { afterAll, expect, test } from 'vitest';
import { countRest, openPosts } from '../src/index.ts';

const { dir, remove } = temporaryFolder();
afterAll(remove);

const columns = { text: 'text_content', image: 'image_path', label: 'label' };

/** Opens a file and takes so many rows of it. */
async function openAfter(content: string, taken: number) {
  const file = path.join(dir, 'posts.csv');
  writeFileSync(file, content);
  const { rows } = await openPosts(file, { columns, labelRequired: false, keys: '' });
  for (let i = 0; i < taken; i++) await rows.next();
  return rows;
}

const posts = (count: number) => Array.from({ length: count }, (_, i) => `a post about it,${i}.jpg,${i % 2}\n`);
const header = 'text_content,image_path,label\n';

test('rows behind the used ones are counted to the end of the file', async () => {
  const seen: string[] = [];
  const rows = await openAfter(header + posts(5).join(''), 2);
  const rest = await countRest(rows, { maxBytes: 1e6, onRow: ({ cells }) => seen.push(cells[1] as string) });
  expect(rest).toEqual({ rows: 3, isWhole: true, problem: null });
  expect(seen).toEqual(['2.jpg', '3.jpg', '4.jpg']);
  expect(await countRest(await openAfter(header + posts(5).join(''), 5), { maxBytes: 1e6 })).toMatchObject({ rows: 0 });
});

test('no more than so many bytes are read for it, and nothing is said of what lies behind', async () => {
  const rows = await openAfter(header + posts(40_000).join(''), 10);
  const rest = await countRest(rows, { maxBytes: 200_000 });
  expect(rest).toMatchObject({ isWhole: false, problem: null });
  expect(rest.rows).toBeGreaterThan(200_000 / 30);
  expect(rest.rows).toBeLessThan(20_000);
  expect(await rows.next()).toEqual({ value: undefined, done: true });
});

test('a rest that cannot be read says why', async () => {
  const rows = await openAfter(`${header}${posts(3).join('')}"never closed,3.jpg,1\n`, 2);
  expect(await countRest(rows, { maxBytes: 1e6 })).toMatchObject({
    isWhole: false,
    problem: expect.stringContaining('never closed'),
  });
});
