// Posts without a picture or without words, for networks that are made for them.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createRandom, defaultPreprocessing } from '@crosscheck/contract';
import { findOverlap } from '@crosscheck/curation';
import { captionVocabulary, renderScene } from '@crosscheck/demo';
import { buildBertTokenizerJson, createTokenizer } from '@crosscheck/preprocess';
import { temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createLoader, defaultAugmentation, type LoadedBatch, type Loader, readManifest } from '../src/index.ts';

const { dir, remove } = temporaryFolder();
const file = path.join(dir, 'posts.csv');
beforeAll(async () => {
  mkdirSync(path.join(dir, 'images'));
  writeFileSync(path.join(dir, 'images/a.jpg'), await renderScene('flood', createRandom(1), 40));
  const rows = [
    'a flood,images/a.jpg,0',
    'words alone,,1',
    ',images/a.jpg,1',
    'words and nan,nan,0',
    '  ,images/a.jpg,0',
  ];
  writeFileSync(file, ['text_content,image_path,label', ...rows].join('\n'));
});
afterAll(remove);

describe('a manifest of posts that may lack a part', () => {
  test('has rows without a picture and rows without words', async () => {
    const { samples, problems } = await readManifest({ file, partialPosts: true });
    expect(problems).toEqual([]);
    const picture = path.join(dir, 'images/a.jpg');
    expect(samples.map(({ text, imagePath }) => [text, imagePath])).toEqual([
      ['a flood', picture],
      ['words alone', ''],
      ['', picture],
      ['words and nan', ''],
      ['', picture],
    ]);
  });

  test('has no row with neither, and none whose picture is named but not there', async () => {
    const broken = path.join(dir, 'broken.csv');
    writeFileSync(broken, 'text_content,image_path,label\n,,1\nwords,images/gone.jpg,0\nfine,images/a.jpg,0\n');
    const { samples, problems } = await readManifest({ file: broken, partialPosts: true, onBadSample: 'skip' });
    expect(problems.map(({ code, line }) => [code, line])).toEqual([
      ['CROSSCHECK_DATA_EMPTY_POST', 2],
      ['CROSSCHECK_DATA_MISSING_IMAGE', 3],
    ]);
    expect(samples).toHaveLength(1);
  });

  test('stops elsewhere at the first row without a picture, and says what such posts need', async () => {
    await expect(readManifest({ file })).rejects.toMatchObject({
      code: 'CROSSCHECK_DATA_MISSING_IMAGE',
      message: expect.stringMatching(
        /posts.csv:3: the image cell is blank \(.*model.missing_modality=learned/,
      ) as string,
    });
  });

  test('shares no picture with another one for lack of pictures, but its words', async () => {
    const { samples } = await readManifest({ file, partialPosts: true });
    const alone = samples.filter(({ imagePath }) => imagePath === '');
    const { posts, pictures, texts } = await findOverlap({ train: alone, val: [alone[0] as (typeof alone)[number]] });
    expect([posts, pictures, texts].map((groups) => groups.length)).toEqual([1, 0, 1]);
  });
});

async function onlyBatch(loader: Loader, epoch: number): Promise<LoadedBatch | undefined> {
  const batches: LoadedBatch[] = [];
  for await (const batch of loader.batches(epoch)) batches.push(batch);
  expect(batches).toHaveLength(1);
  return batches[0];
}

describe('batches of posts that may lack a part', () => {
  const preprocessing = { ...defaultPreprocessing, imageSize: 16, maxTokens: 12 };
  const tokenizer = createTokenizer(
    buildBertTokenizerJson(['[PAD]', '[UNK]', '[CLS]', '[SEP]', ...captionVocabulary()]),
    preprocessing,
  );

  test.each([0, 1])(
    'say which part is there, and hold zeros for a picture that is not, with %i workers',
    async (workers) => {
      const { samples } = await readManifest({ file, partialPosts: true });
      const options = { samples, tokenizer, preprocessing, batchSize: 5, shuffle: false, seed: 1, workers };
      const loader = createLoader({ ...options, augmentation: defaultAugmentation, partialPosts: true });
      for (const epoch of [0, 1]) {
        const batch = await onlyBatch(loader, epoch);
        expect(batch?.hasImage).toEqual(Float32Array.of(1, 0, 1, 0, 1));
        expect(batch?.hasText).toEqual(Float32Array.of(1, 1, 0, 1, 0));
        const isZero = [0, 1, 2, 3, 4].map((row) =>
          (batch?.image.subarray(row * 768, (row + 1) * 768) ?? []).every((value) => value === 0),
        );
        expect(isZero).toEqual([false, true, false, true, false]);
      }
      expect(loader.problems).toEqual([]);
      await loader.close();
    },
  );

  test('say nothing where posts must be whole', async () => {
    const { samples } = await readManifest({ file, partialPosts: true });
    const whole = samples.filter(({ imagePath }) => imagePath !== '');
    const options = { samples: whole, tokenizer, preprocessing, batchSize: 5, shuffle: false, seed: 1 };
    const loader = createLoader({ ...options, augmentation: null });
    const batch = await onlyBatch(loader, 0);
    expect(batch).not.toHaveProperty('hasImage');
    expect(batch).not.toHaveProperty('hasText');
  });
});
