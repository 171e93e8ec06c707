import { problemsError, type SampleProblem } from '@crosscheck/data';
import { forEachConcurrently } from '@crosscheck/files';
import type { FoundImage, LostImage } from '@crosscheck/posts';
import type { SourcePost } from './write-source.ts';

const CONCURRENT_SEARCHES = 16;

/**
 * Puts the file in place of what a source calls its image. Images that are not there stay away, and say where they were looked for; paths that lead
 * out of the folder, and names of two files, are refused.
 *
 * @throws CROSSCHECK_DATA_IMAGE_OUTSIDE, CROSSCHECK_DATA_AMBIGUOUS_IMAGE, CROSSCHECK_DATA_BAD_SAMPLES
 */
export async function placeImages(
  file: string,
  posts: readonly SourcePost[],
  locate: (cell: string) => Promise<FoundImage | LostImage>,
): Promise<void> {
  const problems: SampleProblem[] = [];
  await forEachConcurrently(posts, CONCURRENT_SEARCHES, async (post) => {
    if (typeof post.picture !== 'string' || post.picture.trim() === '') return;
    const found = await locate(post.picture);
    if ('file' in found) return void (post.picture = found.file);
    if (found.code === 'CROSSCHECK_DATA_MISSING_IMAGE')
      return void Object.assign(post, { picture: null, detail: found.message });
    problems.push({ file, line: post.line, code: found.code, message: `${file}:${post.line}: ${found.message}` });
  });
  if (problems.length > 0)
    throw problemsError(
      problems.sort((a, b) => a.line - b.line),
      '',
      null,
    );
}
