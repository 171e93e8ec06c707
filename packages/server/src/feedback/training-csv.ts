import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { labelNames } from '@crosscheck/contract';
import { type ObjectStore, readAll } from '@crosscheck/storage';
import type { FeedbackData } from './read-feedback.ts';

const quote = (cell: string) => `"${cell.replaceAll('"', '""')}"`;

/**
 * Writes the posts that were kept, with what the desk found, as `posts.csv` and `images/`: the files that training reads.
 *
 * @returns posts that were written, and those with a label whose post was not kept
 */
export async function writeTrainingCsv(
  store: ObjectStore,
  { answered }: FeedbackData,
  dir: string,
): Promise<{ written: number; notKept: number }> {
  mkdirSync(path.join(dir, 'images'), { recursive: true });
  const labelled = answered.filter(({ feedback }) => (labelNames as readonly string[]).includes(feedback.label));
  const rows: string[] = [];
  for (const { feedback } of labelled) {
    if (!feedback.kept) continue;
    const { text, image } = feedback.kept;
    const name = image === null ? '' : path.posix.basename(image);
    if (image !== null) writeFileSync(path.join(dir, 'images', name), await readAll(store, image));
    const label = (labelNames as readonly string[]).indexOf(feedback.label);
    rows.push([quote(text), quote(name), label, quote(feedback.request_id), quote(feedback.time)].join(','));
  }
  const head = 'text_content,image_path,label,request_id,time';
  writeFileSync(path.join(dir, 'posts.csv'), `${[head, ...rows].join('\n')}\n`);
  return { written: rows.length, notKept: labelled.length - rows.length };
}
