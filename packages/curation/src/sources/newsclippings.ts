import path from 'node:path';
import { CrosscheckError } from '@crosscheck/contract';
import { createImageLocator } from '@crosscheck/posts';
import { collectLabels, type LabelCollector } from './labels.ts';
import { placeImages } from './place-images.ts';
import { readJson } from './read-json.ts';
import type { SourcePost } from './write-source.ts';

interface Annotation {
  /** Whose caption. */
  id: number;
  /** Whose picture. */
  image_id: number;
  falsified: boolean;
  similarity_score?: string | number;
  source_dataset?: number;
}

interface Article {
  id: number;
  caption: string;
  image_path: string;
  topic?: string;
  source?: string;
}

/**
 * NewsCLIPpings (Luo, Darrell and Rohrbach 2021): `{annotations: [{id, image_id, falsified}]}` per split over VisualNews' `data.json`,
 * whose captions and pictures it pairs. Falsified pairs are FAKE.
 *
 * @param files annotation file per split
 * @param articles VisualNews' `data.json`; picture paths in it are relative to its folder unless `imagesDir` says otherwise
 * @throws CROSSCHECK_DATA_NOT_FOUND, CROSSCHECK_DATA_BROKEN_JSON, CROSSCHECK_DATA_UNEXPECTED_JSON, CROSSCHECK_DATA_BAD_LABEL, CROSSCHECK_DATA_IMAGE_OUTSIDE
 */
export async function readNewsclippings(
  files: Readonly<Record<string, string>>,
  articles: string,
  imagesDir: string | null,
  allowOutsideRoot = false,
): Promise<Record<string, SourcePost[]>> {
  const list = await readJson(articles);
  if (!Array.isArray(list)) throw unexpected(articles, 'a list of {id, caption, image_path}');
  const byId = new Map((list as Article[]).map((article) => [String(article.id), article]));
  const keys = { root: 'images_dir', allowOutsideRoot: 'allow_outside_root' };
  const locate = createImageLocator({ root: imagesDir ?? path.dirname(articles), allowOutsideRoot, keys });
  const splits: Record<string, SourcePost[]> = {};
  for (const [split, file] of Object.entries(files)) {
    const content = (await readJson(file)) as { annotations?: Annotation[] };
    const annotations = Array.isArray(content) ? (content as Annotation[]) : content.annotations;
    if (!Array.isArray(annotations)) throw unexpected(file, '{"annotations": [{id, image_id, falsified}]}');
    const labels = collectLabels({ labels: { false: 'REAL', true: 'FAKE' } });
    const posts = annotations.map((annotation, i) => toPost(annotation, i, byId, labels));
    labels.requireKnown(file);
    await placeImages(file, posts, locate);
    splits[split] = posts;
  }
  return splits;
}

function toPost(
  annotation: Annotation,
  i: number,
  articles: ReadonlyMap<string, Article>,
  labels: LabelCollector,
): SourcePost {
  const { id, image_id, falsified, similarity_score = '' } = annotation;
  const [words, image] = [articles.get(String(id)), articles.get(String(image_id))];
  return {
    id: `${id}-${image_id}`,
    line: i + 1,
    text: words?.caption ?? '',
    label: labels.read(falsified),
    picture: image?.image_path ?? null,
    detail: `no article ${image_id}`,
    columns: { caption_id: id, image_id, similarity_score, topic: words?.topic ?? '', source: words?.source ?? '' },
  };
}

function unexpected(file: string, what: string): CrosscheckError {
  const message = `expected ${what}, got something else (${file}); use the file as it is published`;
  return new CrosscheckError('CROSSCHECK_DATA_UNEXPECTED_JSON', message);
}
