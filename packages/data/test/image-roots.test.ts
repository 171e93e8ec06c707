import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { runEntry, temporaryFolder } from '@crosscheck/testkit';
import { afterAll, expect, test } from 'vitest';
import { drawPicture } from '../../curation/test/fakeddit/picture-host.ts';
import { readManifest } from '../src/index.ts';
import { readImageRoots } from '../src/manifest/image-roots.ts';

const { dir, remove } = temporaryFolder();
afterAll(remove);
const picture = path.join(import.meta.dirname, '../../curation/test/fixtures/folder-thumbs/images/flood.jpg');

/** A data set whose only image lies in another folder, with the file of roots that it brings. */
function dataSet(name: string, roots: unknown): string {
  const [set, images] = [path.join(dir, name), path.join(dir, 'pictures')];
  for (const folder of [set, images]) mkdirSync(folder, { recursive: true });
  copyFileSync(picture, path.join(images, 'flood.jpg'));
  writeFileSync(path.join(set, 'train.csv'), 'text_content,image_path,label\nA flood,../pictures/flood.jpg,0\n');
  writeFileSync(path.join(set, 'image_roots.json'), typeof roots === 'string' ? roots : JSON.stringify(roots));
  return set;
}

test('images are read from the folders that a data set names, and that is said', async () => {
  const set = dataSet('named', ['../pictures']);
  const { samples, notes } = await readManifest({ file: path.join(set, 'train.csv') });
  expect(samples.map(({ imagePath }) => imagePath)).toEqual([path.join(dir, 'pictures/flood.jpg')]);
  expect(notes).toEqual([
    expect.stringMatching(/from outside of the data set.*image_roots\.json.*pictures \(1 rows\)/),
  ]);
});

test('folders of the system, of homes, and what is no folder, are not followed, and that is said too', async () => {
  symlinkSync('/etc', path.join(dir, 'innocent'));
  const refused = ['/', '/etc', '/etc/ssl', '/proc/self', '/home', '/tmp', homedir(), path.dirname(homedir())];
  for (const root of [...refused, '../innocent', '../nowhere', '../named/train.csv']) {
    const set = dataSet('greedy', [root]);
    const { folders, notes } = await readImageRoots(set);
    expect([root, folders]).toEqual([root, []]);
    expect(notes).toEqual([expect.stringMatching(/image_roots\.json names .*, which is (no|a) /)]);
    await expect(readManifest({ file: path.join(set, 'train.csv') })).rejects.toMatchObject({
      code: 'CROSSCHECK_DATA_IMAGE_OUTSIDE',
      message: expect.stringContaining('data.allow_outside_root=true'),
    });
  }
});

test('a file of another form is not followed', async () => {
  for (const roots of ['{"a": 1}', 'no JSON', [1], Array.from({ length: 17 }, () => '../pictures')]) {
    const { folders, notes } = await readImageRoots(dataSet('odd', roots));
    expect([folders, notes]).toEqual([[], [expect.stringContaining('image_roots.json is not followed')]]);
  }
});

test('what data:split makes from images elsewhere is read as it is, and the note stands in its terminal', async () => {
  const set = dataSet('source', ['../pictures']);
  const rows = Array.from({ length: 8 }, (_, i) => `Post number ${i} of many words,../pictures/${i}.jpg,${i % 2}`);
  for (let i = 0; i < 8; i++) writeFileSync(path.join(dir, `pictures/${i}.jpg`), await drawPicture(`roots ${i}`));
  writeFileSync(path.join(set, 'train.csv'), `text_content,image_path,label\n${rows.join('\n')}\n`);
  const out = path.join(dir, 'far/out');
  const args = [
    `root_dir=${set}`,
    `dir=${out}`,
    'clean=false',
    'train=0.5',
    'val=0.25',
    'test=0.25',
    'near_text=false',
  ];
  const { code, stdout } = await runEntry('packages/curation/src/bin/split.ts', args);
  expect([code, stdout]).toEqual([0, expect.stringMatching(/from outside of the data set.*pictures \(8 rows\)/)]);
  expect(JSON.parse(readFileSync(path.join(out, 'image_roots.json'), 'utf8'))).toEqual(['../../pictures']);
  const read = await Promise.all(
    ['train', 'val', 'test'].map((split) =>
      readManifest({ file: path.join(out, `${split}.csv`), onBadSample: 'skip' }),
    ),
  );
  expect(read.flatMap(({ samples, problems }) => [samples.length, problems.length])).toSatisfy((counts: number[]) =>
    counts.filter((_, i) => i % 2 === 1).every((problems) => problems === 0),
  );
});
