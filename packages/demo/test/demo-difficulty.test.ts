// Posts in three difficulties: in each of them words alone and pictures alone say nothing.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createRandom } from '@crosscheck/contract';
import { decodeImage } from '@crosscheck/preprocess';
import { runEntry, temporaryFolder } from '@crosscheck/testkit';
import { afterAll, describe, expect, test } from 'vitest';
import { captionVocabulary, difficulties, generateDemo, sceneKinds } from '../src/index.ts';
import { composePosts, composeSplits, type PostPlan } from '../src/posts/compose-posts.ts';
import { renderPair } from '../src/posts/render-scene.ts';

const { dir, remove } = temporaryFolder();
afterAll(remove);

const posts = (difficulty: (typeof difficulties)[number], count = 800) =>
  composePosts(count, createRandom(3), new Set(), difficulty);

/** How often each value stands in REAL and in FAKE posts. */
function tally(plans: readonly PostPlan[], valueOf: (post: PostPlan) => string): [real: number, fake: number][] {
  const counts = new Map<string, [number, number]>();
  for (const post of plans) {
    const count = counts.get(valueOf(post)) ?? [0, 0];
    count[post.label]++;
    counts.set(valueOf(post), count);
  }
  return [...counts.values()];
}

/** The scenes of one part, whatever their order. */
const both = (...kinds: (string | null)[]) =>
  kinds
    .map(String)
    .toSorted((a, b) => a.localeCompare(b))
    .join(' ');

const seen: Record<(typeof difficulties)[number], Record<string, (post: PostPlan) => string>> = {
  easy: { picture: ({ imageKind }) => imageKind, words: ({ captionKind }) => captionKind },
  medium: {
    picture: ({ imageKind }) => imageKind,
    words: ({ captionKind, otherKind }) => `${captionKind} ${otherKind}`,
  },
  hard: {
    picture: ({ imageKind, otherKind }) => both(imageKind, otherKind),
    words: ({ captionKind, otherKind }) => both(captionKind, otherKind),
  },
};

describe.each(difficulties)('%s posts', (difficulty) => {
  test('are REAL where the picture shows what the words tell of', () => {
    expect(
      posts(difficulty).every(({ label, imageKind, captionKind }) => (label === 0) === (imageKind === captionKind)),
    ).toBe(true);
  });

  test.each(['picture', 'words'])('have all that the %s can tell as often REAL as FAKE', (part) => {
    const counts = tally(posts(difficulty), seen[difficulty][part] as (post: PostPlan) => string);
    expect(counts.length).toBeGreaterThanOrEqual(sceneKinds.length);
    for (const [real, fake] of counts) expect(real).toBe(fake);
  });

  test('have words that their vocabulary covers, and no caption twice', () => {
    const vocabulary = new Set(captionVocabulary());
    const splits = composeSplits({ train: 800, test: 200 }, 5, difficulty);
    const texts = Object.values(splits)
      .flat()
      .map(({ text }) => text);
    expect(new Set(texts).size).toBe(1000);
    const words = texts.flatMap((text) => text.toLowerCase().match(/[a-z0-9]+|[^\sa-z0-9]/g) ?? []);
    expect(words.filter((word) => !vocabulary.has(word))).toEqual([]);
    expect(texts.every((text) => /^[A-Z][^{}\n]{15,200}$/.test(text) && !text.includes('undefined'))).toBe(true);
  });
});

describe('medium and hard posts', () => {
  test('name two scenes', () => {
    for (const { captionKind, otherKind } of [...posts('medium'), ...posts('hard')])
      expect(otherKind).not.toBe(captionKind);
  });

  test('show one of them, or in hard posts the common one and one more', () => {
    expect(posts('medium').every(({ imageKind, ...words }) => Object.values(words).includes(imageKind))).toBe(true);
    expect(posts('hard').every(({ imageKind, otherKind }) => imageKind !== otherKind)).toBe(true);
  });

  test('have words in which only the order tells which scene is present', () => {
    expect(posts('medium').every(({ text }) => /\bafter\b/i.test(text))).toBe(true);
  });

  test('hard ones come in fours, which alone are balanced', () => {
    expect(() => composePosts(6, createRandom(1), new Set(), 'hard')).toThrow('a multiple of 4 of at least 4 posts');
  });
});

test('a picture of two scenes has the one above the other', async () => {
  const size = 32;
  const brightness = async (above: 'snowstorm' | 'night_city', under: 'snowstorm' | 'night_city') => {
    const pixels = await decodeImage(await renderPair(above, under, createRandom(4), 96), { size });
    const mean = (part: Uint8Array) => part.reduce((sum, value) => sum + value, 0) / part.length;
    return [mean(pixels.subarray(0, pixels.length / 2)), mean(pixels.subarray(pixels.length / 2))] as [number, number];
  };
  const [day, night] = await brightness('snowstorm', 'night_city');
  expect(day).toBeGreaterThan(night + 40);
  const [dark, light] = await brightness('night_city', 'snowstorm');
  expect(light).toBeGreaterThan(dark + 40);
});

test.each(['medium', 'hard'] as const)('a folder of %s posts says what its examples are', async (difficulty) => {
  const folder = path.join(dir, difficulty);
  const { examples } = await generateDemo({ dir: folder, difficulty, train: 16, val: 16, test: 16, imageSize: 48 });
  expect(sceneKinds).toContain(examples.fake.otherKind);
  const [real, fake] = JSON.parse(readFileSync(path.join(folder, 'examples.json'), 'utf8')) as { note: string }[];
  expect(real?.note).toMatch(difficulty === 'medium' ? /of which the words tell as present/ : /both have a/);
  expect(fake?.note).toMatch(difficulty === 'medium' ? /which is past/ : /^A mismatched post: beside a/);
});

test('pnpm data:demo takes a difficulty, and names the three', async () => {
  const entry = 'packages/demo/src/bin/demo.ts';
  const folder = path.join(dir, 'command');
  const done = await runEntry(entry, [
    `dir=${folder}`,
    'difficulty=hard',
    'train=4',
    'val=4',
    'test=4',
    'image_size=48',
  ]);
  expect(done).toMatchObject({ code: 0, stderr: '' });
  expect(done.stdout).toContain('12 posts');
  expect((await runEntry(entry, ['difficulty=brutal'])).stderr).toMatch(/easy.*medium.*hard/);
});
