import { existsSync } from 'node:fs';
import path from 'node:path';
import { forEachConcurrently } from '@crosscheck/files';
import { createImageLocator, isInside, showPath } from '@crosscheck/posts';
import type { SampleProblem } from '../problems.ts';
import { readImageRoots } from './image-roots.ts';
import type { Sample } from './rows.ts';

// Enough to hide the latency of a network folder without exhausting file handles.
const CONCURRENT_STATS = 64;

export interface ImageFolders {
  manifest: string;
  /** What relative paths start at; null = the manifest's folder. */
  imagesDir: string | null;
  allowOutsideRoot: boolean;
  /** What stands before the names of options: `data.`, or nothing. */
  keys: string;
}

/**
 * Where a manifest's images may be besides the images folder: beside it, and in `images/<its name>` there, as `data.images_dir_*` has it, or in `images`
 * where there is no such folder.
 */
function fallbackDirs(manifest: string): string[] {
  const { dir, name } = path.parse(path.resolve(manifest));
  const ofSplit = path.join(dir, 'images', name);
  return [dir, existsSync(ofSplit) ? ofSplit : path.join(dir, 'images')];
}

/**
 * Puts the absolute path of its image into every sample that has one, and returns those whose image is not there, with the reason, and what
 * else should be known.
 */
export async function findImages(
  samples: readonly Sample[],
  { manifest, imagesDir, allowOutsideRoot, keys }: ImageFolders,
): Promise<{ missing: Map<Sample, SampleProblem>; notes: string[] }> {
  const roots = await readImageRoots(path.dirname(manifest));
  const own = [imagesDir ?? path.dirname(manifest), ...fallbackDirs(manifest)];
  const locate = createImageLocator({
    root: own[0] as string,
    others: own.slice(1),
    trusted: roots.folders,
    allowOutsideRoot,
    keys: { root: `${keys}images_dir`, allowOutsideRoot: `${keys}allow_outside_root` },
  });
  const missing = new Map<Sample, SampleProblem>();
  const respelt: string[] = [];
  await forEachConcurrently(samples, CONCURRENT_STATS, async (sample) => {
    const found = await locate(sample.imagePath);
    if ('code' in found) return void missing.set(sample, problemOf(sample, found));
    if (found.isRespelt) respelt.push(`${sample.file}:${sample.line} (${showPath(found.file)})`);
    sample.imagePath = found.file;
  });
  const found = samples.filter((sample) => !missing.has(sample)).map(({ imagePath }) => imagePath);
  const elsewhere = allowOutsideRoot
    ? []
    : found.filter((image) => !own.some((dir) => isInside(image, path.resolve(dir))));
  const notes = [
    ...roots.notes,
    ...(elsewhere.length === 0 ? [] : [describeElsewhere(elsewhere, roots.folders)]),
    ...(respelt.length === 0 ? [] : [describeRespelt(respelt.sort())]),
  ];
  return { missing, notes };
}

function problemOf({ file, line, row }: Sample, { code, message }: Pick<SampleProblem, 'code' | 'message'>) {
  return { file, line, code, message: `${file}:${line}: ${message}`, row };
}

function describeElsewhere(images: readonly string[], folders: readonly string[]): string {
  const counted = folders.map((dir) => ({ dir, rows: images.filter((image) => isInside(image, dir)).length }));
  const used = counted.filter(({ rows }) => rows > 0).map(({ dir, rows }) => `${dir} (${rows} rows)`);
  return `images are read from outside of the data set, as its image_roots.json says: ${used.join(', ')}`;
}

function describeRespelt(rows: readonly string[]): string {
  return `${rows.length} image paths are spelt otherwise than their files (another Unicode form, or backslashes) and were found all the same, the first: ${rows[0]}`;
}
