import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { writeWhole } from '@crosscheck/contract';
import { createImageLocator, isInside, showPath } from '@crosscheck/posts';
import type { SampleProblem } from '../problems.ts';
import { runConcurrently } from '../run-concurrently.ts';
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
  const locate = createImageLocator({
    root: imagesDir ?? path.dirname(manifest),
    others: fallbackDirs(manifest),
    trusted: await readImageRoots(path.dirname(manifest)),
    allowOutsideRoot,
    keys: { root: `${keys}images_dir`, allowOutsideRoot: `${keys}allow_outside_root` },
  });
  const missing = new Map<Sample, SampleProblem>();
  const respelt: string[] = [];
  await runConcurrently(samples, CONCURRENT_STATS, async (sample) => {
    const found = await locate(sample.imagePath);
    if ('code' in found) return void missing.set(sample, problemOf(sample, found));
    if (found.isRespelt) respelt.push(`${sample.file}:${sample.line} (${showPath(found.file)})`);
    sample.imagePath = found.file;
  });
  return { missing, notes: respelt.length === 0 ? [] : [describeRespelt(respelt.sort())] };
}

function problemOf({ file, line, row }: Sample, { code, message }: Pick<SampleProblem, 'code' | 'message'>) {
  return { file, line, code, message: `${file}:${line}: ${message}`, row };
}

function describeRespelt(rows: readonly string[]): string {
  return `${rows.length} image paths are spelt otherwise than their files (another Unicode form, or backslashes) and were found all the same, the first: ${rows[0]}`;
}

const rootsFile = 'image_roots.json';

/** How many folders are named at most; then those that hold them. */
const maxRoots = 16;

/**
 * Notes beside manifests from which folders outside of theirs they take images, so that those who read them may follow. Only commands that made the
 * manifests from these very images do so.
 */
export async function noteImageRoots(dir: string, images: readonly string[]): Promise<void> {
  const outside = images.filter((image) => !isInside(path.resolve(image), path.resolve(dir)));
  if (outside.length === 0) return;
  let roots = [
    ...new Set([...(await readImageRoots(dir)), ...outside.map((image) => path.dirname(path.resolve(image)))]),
  ];
  const collapse = () => roots.filter((root) => !roots.some((other) => other !== root && isInside(root, other)));
  for (roots = collapse(); roots.length > maxRoots; roots = collapse())
    roots = [...new Set(roots.map((root) => path.dirname(root)))]; // prettier-ignore
  const relative = roots.sort().map((root) => path.relative(dir, root).replaceAll(path.sep, '/'));
  writeWhole(path.join(dir, rootsFile), `${JSON.stringify(relative, null, 2)}\n`);
}

async function readImageRoots(dir: string): Promise<string[]> {
  const text = await readFile(path.join(dir, rootsFile), 'utf8').catch(() => '[]');
  try {
    const roots: unknown = JSON.parse(text);
    const names = Array.isArray(roots) ? roots.filter((root) => typeof root === 'string') : [];
    return names.map((root) => path.resolve(dir, root));
  } catch {
    return []; // images outside are then refused, with what to do
  }
}
