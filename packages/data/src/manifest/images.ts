import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { SampleProblem } from '../problems.ts';
import { runConcurrently } from '../run-concurrently.ts';
import type { Sample } from './rows.ts';

// Enough to hide the latency of a network folder without exhausting file handles.
const CONCURRENT_STATS = 64;

/** Where a manifest's pictures may be besides `imagesDir`: beside it, and in `images/<its name>` there, as `data.images_dir_*` has it. */
export function fallbackDirs(manifest: string): string[] {
  const { dir, name } = path.parse(path.resolve(manifest));
  return [dir, path.join(dir, 'images', name)];
}

/**
 * The samples whose picture is not a file with something in it. A picture that is not where its sample says is looked for below the
 * fallback folders, and its path corrected when it is there.
 */
export async function findMissingImages(
  samples: readonly Sample[],
  { imagesDir, fallbackDirs }: { imagesDir: string; fallbackDirs: string[] },
): Promise<Map<Sample, SampleProblem>> {
  const missing = new Map<Sample, SampleProblem>();
  await runConcurrently(samples, CONCURRENT_STATS, async (sample) => {
    const reason = await whyUnusable(sample.imagePath);
    if (reason === null) return;
    const relative = path.relative(imagesDir, sample.imagePath);
    const others = fallbackDirs.map((dir) => path.resolve(dir, relative)).filter((other) => other !== sample.imagePath);
    const found = await firstUsable(others);
    if (found === undefined) missing.set(sample, missingImage(sample, [reason, ...others].join(', nor at ')));
    else sample.imagePath = found;
  });
  return missing;
}

async function firstUsable(paths: readonly string[]): Promise<string | undefined> {
  for (const candidate of paths) if ((await whyUnusable(candidate)) === null) return candidate;
  return undefined;
}

async function whyUnusable(imagePath: string): Promise<string | null> {
  const found = await stat(imagePath).catch(() => null);
  if (found === null) return `there is no image at ${imagePath}${await hintOtherFolder(imagePath)}`;
  if (!found.isFile()) return `the image path is a folder (${imagePath})`;
  return found.size === 0 ? `the image is an empty file (${imagePath})` : null;
}

/** A common slip is an images folder that is repeated in, or missing from, the paths of the CSV. */
async function hintOtherFolder(imagePath: string): Promise<string> {
  const folder = path.dirname(imagePath);
  const isFolder = await stat(folder).then(
    (found) => found.isDirectory(),
    () => false,
  );
  return isFolder ? '' : ` (nor a folder ${folder}; is data.images_dir_{train,val,test} right?)`;
}

function missingImage({ file, line, row }: Sample, reason: string): SampleProblem {
  return { file, line, code: 'CROSSCHECK_DATA_MISSING_IMAGE', message: `${file}:${line}: ${reason}`, row };
}
