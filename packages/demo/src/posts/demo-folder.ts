import { readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { CrosscheckError, type LabelName, labelNames } from '@crosscheck/contract';
import { writeWhole } from '@crosscheck/files';
import { stringify } from 'csv-stringify/sync';
import type { PostPlan } from './compose-posts.ts';
import type { Difficulty, SceneKind } from './kinds.ts';

const splitNames = ['train', 'val', 'test'] as const;

export type Split = (typeof splitNames)[number];

export interface DemoPost {
  /** Absolute. */
  imagePath: string;
  text: string;
  label: LabelName;
  imageKind: SceneKind;
  captionKind: SceneKind;
  /** The other scene of medium and hard posts. */
  otherKind: SceneKind | null;
}

const header = ['id', 'text_content', 'image_path', 'label', 'image_kind', 'caption_kind'];

const csvPath = (dir: string, split: Split) => path.join(dir, `${split}.csv`);

/** Relative to the demo's folder. */
export function imageName(split: Split, index: number): string {
  return `images/${split}/${String(index).padStart(5, '0')}.jpg`;
}

/**
 * Removes the demo posts of an earlier run, and nothing else.
 *
 * @throws CROSSCHECK_DATA_DEMO_FOLDER when the folder holds manifests of something else
 */
export async function clearDemoFolder(dir: string): Promise<void> {
  const earlier: Split[] = [];
  for (const split of splitNames) {
    const content = await readFile(csvPath(dir, split), 'utf8').catch(() => null);
    if (content === null) continue;
    if (!content.startsWith(`${header.join(',')}\n`)) throw foreignFolder(csvPath(dir, split));
    earlier.push(split);
  }
  // First of all the file that says that everything is there.
  await rm(path.join(dir, 'examples.json'), { force: true });
  for (const split of earlier) {
    const folder = path.join(dir, 'images', split);
    const pictures = (await readdir(folder).catch(() => [])).filter((name) => /^\d{5}\.jpg$/.test(name));
    for (const name of pictures) await rm(path.join(folder, name));
    await rm(csvPath(dir, split));
  }
}

function foreignFolder(file: string): CrosscheckError {
  const message = `expected a folder for demo posts, got one with posts of another origin (${file}); choose another dir`;
  return new CrosscheckError('CROSSCHECK_DATA_DEMO_FOLDER', message);
}

/** Writes the CSV of a split and returns its path. */
export async function writeManifest(dir: string, split: Split, posts: readonly PostPlan[]): Promise<string> {
  const rows = posts.map((post, i) => [
    `${split}-${String(i).padStart(5, '0')}`,
    post.text,
    imageName(split, i),
    post.label,
    post.imageKind,
    post.captionKind,
  ]);
  writeWhole(csvPath(dir, split), stringify([header, ...rows]));
  return csvPath(dir, split);
}

/** The first post of the test split with a label. */
export function findExample(posts: readonly PostPlan[], dir: string, label: 0 | 1): DemoPost {
  const index = posts.findIndex((post) => post.label === label);
  const { text, imageKind, captionKind, otherKind } = posts[index] as PostPlan;
  const imagePath = path.join(dir, imageName('test', index));
  return { imagePath, text, label: labelNames[label], imageKind, captionKind, otherKind };
}

const spokenKinds: Record<SceneKind, string> = {
  wildfire: 'a wildfire',
  flood: 'a flood',
  snowstorm: 'a snowstorm',
  night_city: 'a city at night',
  desert: 'a desert',
  harbour: 'a harbour',
  forest: 'a forest',
  stadium: 'a football match',
};

/** What a true and a mismatched post are, by difficulty. */
const notes: Record<Difficulty, Record<LabelName, (post: DemoPost) => string>> = {
  easy: {
    REAL: ({ imageKind }) => `A true post: picture and words both tell of ${spokenKinds[imageKind]}.`,
    FAKE: ({ imageKind, captionKind }) =>
      `A mismatched post: the picture shows ${spokenKinds[imageKind]}, the words tell of ${spokenKinds[captionKind]}.`,
  },
  medium: {
    REAL: ({ imageKind }) =>
      `A true post: the picture shows ${spokenKinds[imageKind]}, of which the words tell as present.`,
    FAKE: ({ imageKind, captionKind }) =>
      `A mismatched post: the picture shows ${spokenKinds[imageKind]}, which is past; the words tell of ${spokenKinds[captionKind]}.`,
  },
  hard: {
    REAL: ({ imageKind, otherKind }) =>
      `A true post: picture and words both have ${spoken(otherKind)} and ${spokenKinds[imageKind]}.`,
    FAKE: ({ imageKind, captionKind, otherKind }) =>
      `A mismatched post: beside ${spoken(otherKind)} the picture shows ${spokenKinds[imageKind]}, the words tell of ${spokenKinds[captionKind]}.`,
  },
};

const spoken = (kind: SceneKind | null) => (kind === null ? 'nothing' : spokenKinds[kind]);

/** `examples.json`: `[{image, text, label, note}]`, the image relative to the folder. Written last: its presence says that all is there. */
export async function writeExamples(dir: string, examples: readonly DemoPost[], difficulty: Difficulty): Promise<void> {
  const entries = examples.map((post) => ({
    image: path.relative(dir, post.imagePath).replaceAll(path.sep, '/'),
    text: post.text,
    label: labelNames.indexOf(post.label),
    note: notes[difficulty][post.label](post),
  }));
  writeWhole(path.join(dir, 'examples.json'), `${JSON.stringify(entries, null, 2)}\n`);
}
