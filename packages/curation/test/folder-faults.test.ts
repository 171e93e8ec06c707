import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { readManifest } from '@crosscheck/data';
import { type Finished, runEntry, temporaryFolder } from '@crosscheck/testkit';
import { afterAll, expect, test } from 'vitest';

// Inputs as people have them, through the command that they type: no label and no image is guessed.
const { dir, remove } = temporaryFolder();
afterAll(remove);
const fixtures = path.join(import.meta.dirname, 'fixtures');

let runs = 0;
async function dataFolder(...args: string[]): Promise<Finished & { out: string }> {
  const out = path.join(dir, `out-${runs++}`);
  return { ...(await runEntry('packages/curation/src/bin/folder.ts', [...args, `dir=${out}`])), out };
}

const imagesOf = async (out: string) =>
  (await readManifest({ file: path.join(out, 'train.csv') })).samples.map(({ imagePath }) =>
    path.relative(fixtures, imagePath),
  );
const labelsOf = async (out: string) =>
  (await readManifest({ file: path.join(out, 'train.csv') })).samples.map(({ label }) => label);

function writePosts(name: string, ...rows: string[]): string {
  const file = path.join(dir, name);
  writeFileSync(file, `text_content,image_path,label\n${rows.join('\n')}\n`);
  return file;
}

test('images of one name in two folders: each row gets its own', async () => {
  const posts = path.join(fixtures, 'folder-same-names');
  const { code, out } = await dataFolder(`train=${posts}/posts.csv`, `images_dir=${posts}/images`);
  expect(code).toBe(0);
  expect(await imagesOf(out)).toEqual([
    'folder-same-names/images/real/0001.jpg',
    'folder-same-names/images/fake/0001.jpg',
  ]);
});

test('a name that fits two images is an error that names both, and no CSV is written', async () => {
  const images = path.join(fixtures, 'folder-same-names/images');
  const train = writePosts('ambiguous.csv', 'A quiet woodland,0001.jpg,0');
  const { code, stderr, out } = await dataFolder(`train=${train}`, `images_dir=${images}`);
  expect([code, stderr]).toEqual([1, expect.stringContaining('CROSSCHECK_DATA_AMBIGUOUS_IMAGE')]);
  for (const name of ['real/0001.jpg', 'fake/0001.jpg']) expect(stderr).toContain(name);
  expect(existsSync(path.join(out, 'train.csv'))).toBe(false);
});

test('the exact path wins, and hidden folders are not searched', async () => {
  const posts = path.join(fixtures, 'folder-thumbs');
  const { out } = await dataFolder(`train=${posts}/posts.csv`, `images_dir=${posts}/images`);
  expect(await imagesOf(out)).toEqual(['folder-thumbs/images/flood.jpg']);
  mkdirSync(path.join(dir, 'only/.thumbs'), { recursive: true });
  writeFileSync(path.join(dir, 'only/.thumbs/flood.jpg'), readFileSync(`${posts}/images/.thumbs/flood.jpg`));
  const hidden = await dataFolder(`train=${posts}/posts.csv`, `images_dir=${dir}/only`);
  expect([hidden.code, hidden.stderr]).toEqual([1, expect.stringContaining('CROSSCHECK_DATA_TOO_MANY_FAILED')]);
});

const words = path.join(fixtures, 'label-words');
const pictures = `images_dir=${words}/pictures`;

test('words that are no known label are refused with their counts, each time with how to say what they mean', async () => {
  const mixed = await dataFolder(`train=${words}/posts-True-Fake.csv`, pictures);
  expect([mixed.code, mixed.stderr]).toEqual([1, expect.stringMatching(/BAD_LABEL.*"True" in 2 rows.*labels=/)]);
  const boolean = await dataFolder(`train=${words}/posts-true-false.csv`, pictures);
  expect(boolean.stderr).toMatch(/BAD_LABEL.*"true" in 2 rows, "false" in 2 rows.*true when it is real, others when/);
  const train = writePosts('unknown.csv', 'A,00000.jpg,Genuine', 'B,00001.jpg,Hoax', 'C,00003.jpg,Hoax');
  const unknown = await dataFolder(`train=${train}`, pictures, 'positive_class=real');
  expect(unknown.stderr).toMatch(/"Hoax" in 2 rows, "Genuine" in 1 row.*labels=\{Hoax: REAL, Genuine: FAKE\}/);
  for (const { out } of [mixed, boolean, unknown]) expect(existsSync(path.join(out, 'train.csv'))).toBe(false);
});

test('labels and positive_class say what words mean', async () => {
  const labels = async (...args: string[]) => labelsOf((await dataFolder(...args, pictures)).out);
  const boolean = `train=${words}/posts-true-false.csv`;
  expect(await labels(boolean, 'positive_class=real')).toEqual([0, 1, 0, 1]);
  expect(await labels(boolean, 'positive_class=fake')).toEqual([1, 0, 1, 0]);
  expect(await labels(boolean, 'labels={true: REAL, false: FAKE}')).toEqual([0, 1, 0, 1]);
  expect(await labels(`train=${words}/posts-True-Fake.csv`, 'labels={True: REAL}')).toEqual([0, 1, 0, 1]);
  const train = writePosts('mapped.csv', 'A,00000.jpg,Genuine', 'B,00001.jpg,Hoax');
  expect(await labels(`train=${train}`, 'labels={Genuine: REAL, Hoax: FAKE}')).toEqual([0, 1]);
  const wrong = await dataFolder(`train=${train}`, pictures, 'labels={Genuine: maybe, Hoax: FAKE}');
  expect(wrong.stderr).toMatch(/BAD_LABELS.*"Genuine" to "maybe"/);
});

test('max_failed_share says how many rows may fail before nothing is written', async () => {
  const train = writePosts('failing.csv', 'A,00000.jpg,0', 'B,gone.jpg,1', 'C,00003.jpg,1');
  const strict = await dataFolder(`train=${train}`, pictures, 'max_failed_share=0.3');
  expect([strict.code, strict.stderr]).toEqual([
    1,
    expect.stringMatching(/TOO_MANY_FAILED.*at least 70 % .*got 2 of 3; most often: not_found, 1 rows.*gone\.jpg/),
  ]);
  expect(existsSync(path.join(strict.out, 'train.csv'))).toBe(false);
  const loose = await dataFolder(`train=${train}`, pictures, 'max_failed_share=0.34');
  expect([loose.code, loose.stdout]).toEqual([0, expect.stringContaining('left out: 1 not_found')]);
});
