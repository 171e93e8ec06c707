import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Batch } from '@crosscheck/contract';
import { generateDemo } from '@crosscheck/demo';
import { userCacheFolder } from '@crosscheck/files';
import { temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLoader, pixelCacheOf, readSplit } from '../src/data/run-data.ts';
import { openTokenizer } from '../src/run/network.ts';
import { stepLosses } from './support/read-run.ts';
import { shortRun, trainHere } from './support/run-train.ts';
import { composeTiny } from './support/tiny-step.ts';

// What data.* changes, each key by itself.
const { dir, remove } = temporaryFolder();
const posts = path.join(dir, 'posts');
beforeAll(() => generateDemo({ dir: posts, train: 16, val: 4, test: 4, imageSize: 64 }));
afterAll(remove);

const compose = (...overrides: string[]) =>
  composeTiny(`data.root_dir=${posts}`, 'data.pixel_cache.enabled=false', ...overrides).config;

describe('which posts', () => {
  it('each split has a CSV in data.root_dir, or one of its own', async () => {
    const sizes = async (...overrides: string[]) => {
      const config = compose(...overrides);
      const splits = await Promise.all((['train', 'val', 'test'] as const).map((split) => readSplit(config, split)));
      return splits.map(({ samples }) => samples.length);
    };
    expect(await sizes()).toEqual([16, 4, 4]);
    expect(await sizes(`data.train_file=${posts}/val.csv`)).toEqual([4, 4, 4]);
    expect(await sizes(`data.val_file=${posts}/train.csv`, `data.test_file=${posts}/train.csv`)).toEqual([16, 16, 16]);
    expect(await sizes('data.n_rows=3')).toEqual([3, 3, 3]);
  });

  it('columns are those of the config, and relative paths start at the images folder of the split', async () => {
    const file = path.join(dir, 'other.csv');
    writeFileSync(file, 'words,picture,fake\nhello,a.png,1\n');
    for (const split of ['train', 'val', 'test'] as const) {
      const images = path.join(dir, `images of ${split}`);
      mkdirSync(images);
      writeFileSync(path.join(images, 'a.png'), 'a picture');
      const { samples } = await readSplit(
        compose(
          `data.${split}_file=${file}`,
          `data.images_dir_${split}="${images}"`,
          'data.text_column=words',
          'data.image_column=picture',
          'data.label_column=fake',
        ),
        split,
      );
      expect(samples).toMatchObject([{ text: 'hello', label: 1, imagePath: path.join(images, 'a.png') }]);
    }
  });

  it('data.images_dir is the images folder of every split, and images/ is found by itself', async () => {
    const [flat, shared] = [path.join(dir, 'flat'), path.join(dir, 'shared')];
    for (const folder of [`${flat}/images`, shared]) mkdirSync(folder, { recursive: true });
    for (const file of [`${flat}/images/b.png`, `${shared}/b.png`]) writeFileSync(file, 'a picture');
    for (const split of ['train', 'val', 'test'] as const) {
      writeFileSync(path.join(flat, `${split}.csv`), 'text_content,image_path,label\nhello,b.png,1\n');
      const imageOf = async (...overrides: string[]) =>
        (await readSplit(compose(`data.root_dir=${flat}`, ...overrides), split)).samples[0]?.imagePath;
      expect(await imageOf()).toBe(path.join(flat, 'images/b.png'));
      expect(await imageOf(`data.images_dir=${shared}`)).toBe(path.join(shared, 'b.png'));
    }
  });

  it('data.allow_outside_root reads images that lie elsewhere', async () => {
    const file = path.join(dir, 'outside/posts.csv');
    mkdirSync(path.dirname(file));
    writeFileSync(path.join(dir, 'elsewhere.png'), 'a picture');
    writeFileSync(file, 'text_content,image_path,label\nhello,../elsewhere.png,1\n');
    const read = (...overrides: string[]) =>
      readSplit(compose(`data.train_file=${file}`, 'data.images_dir_train=null', ...overrides), 'train');
    await expect(read()).rejects.toMatchObject({
      code: 'CROSSCHECK_DATA_IMAGE_OUTSIDE',
      message: expect.stringContaining('data.allow_outside_root=true'),
    });
    const { samples } = await read('data.allow_outside_root=true');
    expect(samples[0]?.imagePath).toBe(path.join(dir, 'elsewhere.png'));
  });

  it('data.encoding, data.delimiter and data.labels say how the file is written', async () => {
    const file = path.join(dir, 'written.csv');
    writeFileSync(path.join(dir, 'c.png'), 'a picture');
    writeFileSync(file, Buffer.from('text_content^image_path^label\nCaf\xe9^c.png^Hoax\nx^c.png^true\n', 'latin1'));
    const read = (...overrides: string[]) =>
      readSplit(compose(`data.train_file=${file}`, 'data.images_dir_train=null', ...overrides), 'train');
    const all = ['data.encoding=latin1', "data.delimiter='^'", 'data.labels={Hoax: FAKE, true: REAL}'];
    const codes = ['CROSSCHECK_DATA_ENCODING', 'CROSSCHECK_DATA_MISSING_COLUMN', 'CROSSCHECK_DATA_BAD_LABEL'];
    for (const [i, code] of codes.entries())
      await expect(read(...all.filter((_, j) => j !== i))).rejects.toMatchObject({ code });
    const { samples } = await read(...all);
    expect(samples.map(({ text, label }) => [text, label])).toEqual([
      ['Café', 1],
      ['x', 0],
    ]);
  });

  it('a head of the file says so, and when it is not like the rest', async () => {
    const rows = Array.from({ length: 40 }, (_, i) => `text ${i},c.png,${i < 20 ? 0 : 1}`);
    writeFileSync(path.join(dir, 'sorted.csv'), `text_content,image_path,label\n${rows.join('\n')}\n`);
    const notes = async (nRows: number) => {
      const own = [`data.train_file=${dir}/sorted.csv`, 'data.images_dir_train=null', `data.n_rows=${nRows}`];
      return (await readSplit(compose(...own), 'train')).notes;
    };
    expect(await notes(-1)).toEqual([]);
    expect(await notes(40)).toEqual([]);
    expect(await notes(38)).toEqual(['38 of 40 rows (data.n_rows)']);
    expect(await notes(25)).toEqual([
      '25 of 40 rows (data.n_rows)',
      expect.stringMatching(/^20 % of these rows are FAKE, but 50 % of the whole file.*data\.n_rows=-1/),
    ]);
  });
});

async function firstBatch(augment: boolean, ...overrides: string[]): Promise<Batch> {
  const config = compose(...overrides, 'training.num_workers=0');
  const tokenizer = await openTokenizer(config);
  const loader = openLoader(config, await readSplit(config, 'train'), {
    tokenizer,
    batchSize: 8,
    shuffle: false,
    augment,
  });
  try {
    for await (const batch of loader.batches(0)) return batch;
    throw new Error('no batch');
  } finally {
    await loader.close();
  }
}

describe('batches', () => {
  it('have pictures of data.image_size', async () => {
    expect((await firstBatch(false, 'data.image_size=48')).image).toHaveLength(8 * 48 * 48 * 3);
  });

  it('are scaled by data.mean and data.std', async () => {
    const raw = await firstBatch(false, 'data.mean=[0,0,0]', 'data.std=[1,1,1]');
    const scaled = await firstBatch(false, 'data.mean=[0.5,0.25,0]', 'data.std=[0.5,1,0.25]');
    const [mean, std] = [
      [0.5, 0.25, 0],
      [0.5, 1, 0.25],
    ] as [number[], number[]];
    const expected = raw.image.map((value, i) => (value - (mean[i % 3] as number)) / (std[i % 3] as number));
    for (const [i, value] of scaled.image.entries()) expect(value).toBeCloseTo(expected[i] as number, 5);
  });

  it('have texts of at most data.max_length, padded to a multiple of data.length_multiple', async () => {
    expect((await firstBatch(false, 'data.max_length=6')).length).toBe(6);
    expect((await firstBatch(false, 'data.length_multiple=31')).length).toBe(31);
    expect((await firstBatch(false, 'data.length_multiple=1')).length).toBeLessThan(31);
  });

  it('have texts that the network has positions for, whatever data.max_length says', async () => {
    expect(
      (await firstBatch(false, 'data.max_length=128', 'model.text.max_positions=64', 'data.length_multiple=128'))
        .length,
    ).toBe(64);
  });

  it('refuse pictures of more than data.max_pixels', async () => {
    await expect(firstBatch(false, 'data.max_pixels=100')).rejects.toMatchObject({
      code: 'CROSSCHECK_IMAGE_TOO_LARGE',
      message: expect.stringContaining('train.csv:2: '),
    });
  });
});

describe('decoded pictures', () => {
  const kept = (folder: string) =>
    readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length;
  const cacheIn = (folder: string) => ['data.pixel_cache.enabled=true', `data.pixel_cache.dir=${folder}`];

  it('are kept in data.pixel_cache.dir', async () => {
    const folder = path.join(dir, 'pixels');
    const decoded = await firstBatch(false, 'data.pixel_cache.enabled=false', `data.pixel_cache.dir=${folder}`);
    expect(existsSync(folder)).toBe(false);
    expect(await firstBatch(false, ...cacheIn(folder))).toEqual(decoded);
    expect(kept(folder)).toBe(8);
    expect(await firstBatch(false, ...cacheIn(folder))).toEqual(decoded);
  });

  it('are kept in the cache folder of the user where no other one is named', () => {
    const named = pixelCacheOf(compose('data.pixel_cache.enabled=true'));
    expect(named).toEqual({ dir: path.join(userCacheFolder(), 'pixels'), maxBytes: 2 ** 32 });
    expect(pixelCacheOf(compose())).toBeNull();
  });

  it('never take more than data.pixel_cache.max_bytes', async () => {
    const folder = path.join(dir, 'few pixels');
    const pictureBytes = 64 * 64 * 3 + 100;
    await firstBatch(false, ...cacheIn(folder), `data.pixel_cache.max_bytes=${16 * pictureBytes}`);
    expect(kept(folder)).toBeLessThanOrEqual(8);
    await firstBatch(false, ...cacheIn(path.join(dir, 'none')), `data.pixel_cache.max_bytes=${pictureBytes}`);
    expect(existsSync(path.join(dir, 'none'))).toBe(false);
  });
});

describe('augmentation', () => {
  const off = [
    'data.augmentation.horizontal_flip=false',
    'data.augmentation.rotation_degrees=0',
    'data.augmentation.color_jitter={brightness:0,contrast:0,saturation:0}',
  ];

  it('does nothing when every part of it is off', async () => {
    expect((await firstBatch(true, ...off)).image).toEqual((await firstBatch(false)).image);
  });

  it.each([
    'data.augmentation.horizontal_flip=true',
    'data.augmentation.rotation_degrees=15',
    'data.augmentation.color_jitter.brightness=0.2',
    'data.augmentation.color_jitter.contrast=0.2',
    'data.augmentation.color_jitter.saturation=0.2',
  ])('%s alone changes pictures', async (override) => {
    expect((await firstBatch(true, ...off, override)).image).not.toEqual((await firstBatch(false)).image);
  });
});

describe('the order', () => {
  it('is new in every epoch, and that of the file with data.shuffle=false', async () => {
    // Nothing learns and nothing is random, so that the same batches have the same losses.
    const still = [
      'model.freeze_vision=true',
      'model.freeze_text=true',
      'data.augmentation.enabled=false',
      'model.dropout_rate=0',
      'model.projection_dropout=0',
      'training.learning_rate=1e-12',
      'training.batch_size=4',
    ];
    const losses = async (shuffle: boolean) => {
      const own = path.join(dir, `shuffle ${shuffle}`);
      const run = await trainHere([...shortRun(posts, own), ...still, `data.shuffle=${shuffle}`], { dir: own });
      const all = stepLosses(run.runDir) as number[];
      return [all.slice(0, 4), all.slice(4)] as const;
    };
    const [first, second] = await losses(false);
    for (const [i, loss] of first.entries()) expect(second[i]).toBeCloseTo(loss, 5);
    const [shuffled, again] = await losses(true);
    expect(again.every((loss, i) => Math.abs(loss - (shuffled[i] as number)) < 1e-5)).toBe(false);
  });
});
