import path from 'node:path';
import type { Artifact } from '@crosscheck/contract';
import { CrosscheckError } from '@crosscheck/contract';
import { decodeImage } from '@crosscheck/preprocess';
import type { ArtifactContent } from '../artifact/artifact-content.ts';
import { writeArtifactFiles, writeManifest, writeModelCard } from '../artifact/write-artifact.ts';
import { buildClassifierGraph } from '../graph/classifier.ts';
import { type ComparedPost, type ComparisonReport, compareArtifacts } from '../parity/compare-artifacts.ts';
import { rewrites } from './variant.ts';

/** Real posts that an artifact is made with and judged by. */
export interface ExportPosts {
  /** Their pictures show how far each activation reaches (int8). */
  calibration: readonly ComparedPost[];
  /** Judged in fp32 and in the other precision. */
  comparison: readonly ComparedPost[];
  /** Judged by the finished folder, for its model card: posts that training did not see. */
  evaluation: readonly ComparedPost[];
}

export interface VariantPlan {
  content: ArtifactContent;
  precision: Exclude<Artifact['precision'], 'fp32'>;
  posts: ExportPosts;
  /** Of the fp32 artifact. */
  parity: Artifact['parity'];
  onProgress?: ((step: string) => void) | undefined;
}

/**
 * Fills a folder with the artifact in another precision and compares it with the fp32 one.
 *
 * @param dir an existing empty folder
 * @param exactDir the fp32 artifact
 * @throws CROSSCHECK_EXPORT_PRECISION_LOSS, CROSSCHECK_EXPORT_POSTS_MISSING, and what decoding pictures throws
 */
export async function writeVariant(
  dir: string,
  exactDir: string,
  { content, precision, posts, parity, onProgress }: VariantPlan,
): Promise<{ artifact: Artifact; comparison: ComparisonReport }> {
  requirePosts(posts, precision);
  onProgress?.(`rewriting the network in ${precision}`);
  const graph = await rewrites[precision](buildClassifierGraph({ ...content, precision }), {
    preprocessing: content.preprocessing,
    opset: content.opset,
    pictures: decodePictures(posts.calibration, content.preprocessing.imageSize),
    workspace: path.join(path.dirname(dir), 'calibration'),
  });
  const described = { ...content, precision };
  const sha256 = await writeArtifactFiles(dir, described, graph);
  await writeManifest(dir, described, { sha256, parity });
  onProgress?.(`comparing ${precision} with fp32`);
  const comparison = await compareArtifacts(exactDir, dir, posts.comparison);
  const measured = { ...described, fidelity: comparison };
  const hashes = { ...sha256, ...(await writeModelCard(dir, measured)) };
  return { artifact: await writeManifest(dir, measured, { sha256: hashes, parity }), comparison };
}

function requirePosts({ calibration, comparison }: ExportPosts, precision: string): void {
  if (calibration.length > 0 && comparison.length > 0) return;
  const message = `export.precision=${precision} needs real posts: pictures to calibrate with and posts to compare with fp32, got ${calibration.length} and ${comparison.length}; set data.val_file and data.test_file, or data.root_dir`;
  throw new CrosscheckError('CROSSCHECK_EXPORT_POSTS_MISSING', message);
}

async function* decodePictures(posts: readonly ComparedPost[], size: number): AsyncGenerator<Uint8Array> {
  for (const { image } of posts) yield await decodeImage(image, { size });
}
