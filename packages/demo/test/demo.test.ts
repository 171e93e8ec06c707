import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createRandom, isCrosscheckError } from '@crosscheck/contract';
import { readManifest } from '@crosscheck/data';
import { decodeImage } from '@crosscheck/preprocess';
import { runEntry, temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  captionVocabulary,
  type DemoSummary,
  generateDemo,
  renderScene,
  sceneKinds,
  writeCaption,
} from '../src/index.ts';
import { composePosts, composeSplits, type PostPlan } from '../src/posts/compose-posts.ts';

const { dir, remove } = temporaryFolder();
afterAll(remove);

const count = <T>(items: readonly T[], is: (item: T) => boolean) => items.filter(is).length;

describe('plans', () => {
  test.each([4, 6, 16, 18, 34, 50, 112, 500, 2000])(
    '%d posts: every kind is as often REAL as FAKE, in pictures and in words',
    (size) => {
      for (let seed = 0; seed < 3; seed++) {
        const posts = composePosts(size, createRandom(seed), new Set());
        expect(posts).toHaveLength(size);
        for (const kind of sceneKinds) {
          for (const role of ['imageKind', 'captionKind'] as const) {
            const label = (id: number) => count(posts, (post) => post[role] === kind && post.label === id);
            expect(label(0)).toBe(label(1));
          }
        }
        expect(posts.every((post) => (post.imageKind === post.captionKind) === (post.label === 0))).toBe(true);
      }
    },
  );

  test('in large splits every kind has nearly the same share, and every wrong pairing occurs', () => {
    const posts = composePosts(2000, createRandom(1), new Set());
    for (const kind of sceneKinds) expect(count(posts, (post) => post.imageKind === kind)).toBe(250);
    const pairings = new Set(
      posts.filter((post) => post.label === 1).map((post) => `${post.imageKind} ${post.captionKind}`),
    );
    expect(pairings.size).toBe(8 * 7);
  });

  test('whoever knows only the kind of the picture, or only that of the words, is right half of the time', () => {
    const { train, test: held } = composeSplits({ train: 2000, test: 400 }, 7);
    for (const role of ['imageKind', 'captionKind'] as const) {
      const fakeShare = (kind: string) =>
        count(train, (post) => post[role] === kind && post.label === 1) / count(train, (post) => post[role] === kind);
      const right = count(held, (post: PostPlan) => (fakeShare(post[role]) >= 0.5 ? 1 : 0) === post.label);
      expect(right / held.length).toBe(0.5);
    }
  });

  test('no caption occurs twice, in whatever split', () => {
    const { train, val, test: held } = composeSplits({ train: 16_000, val: 1000, test: 1000 }, 3);
    const texts = [...train, ...val, ...held].map(({ text }) => text);
    expect(new Set(texts).size).toBe(18_000);
  });

  test('no word tells the label: each is about as frequent in REAL as in FAKE captions', () => {
    const posts = composePosts(16_000, createRandom(5), new Set());
    const words = new Map<string, [real: number, fake: number]>();
    for (const { text, label } of posts) {
      for (const word of new Set(text.toLowerCase().match(/[a-z]+/g))) {
        const counts = words.get(word) ?? [0, 0];
        counts[label]++;
        words.set(word, counts);
      }
    }
    for (const [real, fake] of words.values()) {
      // Five standard deviations of a fair coin: about 600 words are looked at.
      expect(Math.abs(real - fake)).toBeLessThan(5 * Math.sqrt(real + fake) + 1);
    }
  });

  test.each([0, 2, 7, -4, 4.5])('a split of %d posts cannot be balanced', (size) => {
    const message = `even number of at least 4 posts, so that every kind is as often REAL as FAKE, got ${size}`;
    expect(() => composePosts(size, createRandom(1), new Set())).toThrow(message);
  });
});

describe('captions', () => {
  test('the vocabulary covers every caption', () => {
    const vocabulary = new Set(captionVocabulary());
    for (const kind of sceneKinds) {
      for (let i = 0; i < 2000; i++) {
        const words =
          writeCaption(kind, createRandom(i, kind))
            .toLowerCase()
            .match(/[a-z0-9]+|[^\sa-z0-9]/g) ?? [];
        expect(words.filter((word) => !vocabulary.has(word))).toEqual([]);
      }
    }
  });

  test('captions are short lines that begin with a capital and have no empty slots', () => {
    for (const kind of sceneKinds) {
      for (let i = 0; i < 500; i++) {
        const caption = writeCaption(kind, createRandom(i, kind));
        expect(caption).toMatch(/^[A-Z][^{}\n]{15,150}$/);
        expect(caption).not.toMatch(/undefined| {2}/);
      }
    }
  });
});

describe('pictures', () => {
  test.each(sceneKinds)(
    '%s: a JPEG of the size asked for, fixed by the stream, different for another one',
    async (kind) => {
      const draw = (seed: number) => renderScene(kind, createRandom(seed), 96);
      const bytes = await draw(1);
      expect(bytes.subarray(0, 3).toString('hex')).toBe('ffd8ff');
      expect(await draw(1)).toEqual(bytes);
      expect(await draw(2)).not.toEqual(bytes);
      const pixels = await decodeImage(bytes, { size: 32 });
      expect(new Set(pixels).size).toBeGreaterThan(60);
    },
  );

  test('pictures come in five formats whose longer side is the size asked for', async () => {
    const sizes = new Set<string>();
    for (let i = 0; i < 30; i++) {
      const bytes = await renderScene('desert', createRandom(i), 40);
      const frame = bytes.indexOf(Buffer.from('ffc0', 'hex'));
      const [tall, wide] = [bytes.readUInt16BE(frame + 5), bytes.readUInt16BE(frame + 7)];
      expect(Math.max(tall, wide)).toBe(40);
      sizes.add(`${wide}x${tall}`);
    }
    expect(sizes.size).toBe(5);
  });
});

describe('a generated folder', () => {
  let summary: DemoSummary;
  const options = { seed: 5, train: 32, val: 16, test: 20, imageSize: 96 };
  const digestOf = (folder: string) => {
    const hash = createHash('sha256');
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    for (const file of files.map((entry) => path.join(entry.parentPath, entry.name)).sort())
      hash.update(path.relative(folder, file)).update(readFileSync(file));
    return hash.digest('hex');
  };
  beforeAll(async () => {
    summary = await generateDemo({ dir: path.join(dir, 'one'), ...options });
  });

  test('can be read as manifests, with every picture in its place', async () => {
    for (const split of ['train', 'val', 'test'] as const) {
      const { samples, columns } = await readManifest({ file: summary.files[split] });
      expect(samples).toHaveLength(options[split]);
      expect(columns).toEqual(['id', 'text_content', 'image_path', 'label', 'image_kind', 'caption_kind']);
      expect(samples.every(({ imagePath }) => imagePath.startsWith(path.join(summary.dir, 'images', split)))).toBe(
        true,
      );
      expect(readdirSync(path.join(summary.dir, 'images', split))).toHaveLength(options[split]);
    }
  });

  test('has one true and one mismatched example from the test split', async () => {
    const { samples } = await readManifest({ file: summary.files.test });
    const { real, fake } = summary.examples;
    expect(samples.find(({ imagePath }) => imagePath === real.imagePath)).toMatchObject({ text: real.text, label: 0 });
    expect(samples.find(({ imagePath }) => imagePath === fake.imagePath)).toMatchObject({ text: fake.text, label: 1 });
    expect([real.label, fake.label]).toEqual(['REAL', 'FAKE']);
    expect(fake.imageKind).not.toBe(fake.captionKind);
  });

  test('says in examples.json what the examples are, with paths that survive a move', () => {
    const examples = JSON.parse(readFileSync(path.join(summary.dir, 'examples.json'), 'utf8'));
    const { real, fake } = summary.examples;
    expect(examples).toMatchObject([
      { image: path.relative(summary.dir, real.imagePath), text: real.text, label: 0 },
      { image: path.relative(summary.dir, fake.imagePath), text: fake.text, label: 1 },
    ]);
    expect(examples[1].note).toMatch(/^A mismatched post: the picture shows .+, the words tell of .+\.$/);
  });

  test('is replaced by the next run, with nothing left over', async () => {
    const again = path.join(dir, 'again');
    await generateDemo({ dir: again, ...options, train: 64, seed: 9 });
    await generateDemo({ dir: again, ...options });
    expect(digestOf(again)).toBe(digestOf(summary.dir));
  });

  test('never replaces posts of another origin', async () => {
    const own = path.join(dir, 'own');
    mkdirSync(own);
    writeFileSync(path.join(own, 'val.csv'), 'text_content,image_path,label\n');
    const error = await generateDemo({ dir: own, ...options }).catch((thrown: unknown) => thrown);
    expect(isCrosscheckError(error, 'CROSSCHECK_DATA_DEMO_FOLDER')).toBe(true);
    expect(readdirSync(own)).toEqual(['val.csv']);
  });

  test('is the same, byte for byte, for the same options, and another one for another seed', async () => {
    const again = await generateDemo({ dir: path.join(dir, 'two'), ...options });
    expect(digestOf(again.dir)).toBe(digestOf(summary.dir));
    const other = await generateDemo({ dir: path.join(dir, 'three'), ...options, seed: 6 });
    expect(digestOf(other.dir)).not.toBe(digestOf(summary.dir));
  });
});

describe('pnpm data:demo', () => {
  const entry = 'packages/demo/src/bin/demo.ts';

  test('writes the posts and names an example of each label', async () => {
    const done = await runEntry(entry, [`dir=${dir}/cli`, 'train=16', 'val=4', 'test=4', 'image_size=64', 'seed=2']);
    expect(done).toMatchObject({ code: 0, stderr: '' });
    expect(done.stdout).toContain(`24 posts: ${dir}/cli/train.csv`);
    expect(done.stdout).toMatch(/^REAL {2}\/.*\.jpg {2}".+"\nFAKE {2}\/.*\.jpg {2}".+"$/m);
    expect((await readManifest({ file: `${dir}/cli/train.csv` })).samples).toHaveLength(16);
  });

  test('explains itself, and refuses what it does not know with the nearest that it knows', async () => {
    expect((await runEntry(entry, ['--help'])).stdout).toContain('image_size=160');
    const wrong = await runEntry(entry, ['trian=4']);
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain('CROSSCHECK_DATA_BAD_OPTION');
    expect(wrong.stderr).toContain('did you mean train=…?');
    expect((await runEntry(entry, ['train=many'])).stderr).toContain('train takes a whole number');
    expect((await runEntry(entry, ['train=7'])).stderr).toContain('CROSSCHECK_DATA_DEMO_SIZE');
  });
});
