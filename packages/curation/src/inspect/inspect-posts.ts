import { availableParallelism } from 'node:os';
import type { Sample } from '@crosscheck/data';
import { forEachConcurrently } from '@crosscheck/files';
import { type PictureFingerprint, tryFingerprint, type UnreadablePicture } from '../fingerprint/fingerprint-picture.ts';
import { recognizePlaceholder } from '../fingerprint/placeholders.ts';

/** What is wrong with a picture, apart from being like another. */
export type PictureFault = 'unreadable' | 'tiny' | 'flat' | 'placeholder';

/** One post with what its picture turned out to be. */
export interface InspectedPost {
  split: string;
  sample: Sample;
  picture: PictureFingerprint | null;
  fault: PictureFault | null;
  /** About the fault, in a few words. */
  detail: string;
}

export interface InspectOptions {
  /** Shorter side in pixels below which a picture is tiny. @default 32 */
  minSide?: number;
  maxPixels?: number;
  /** A picture that so many posts share stands for nothing; 0 turns this off. @default 10 */
  sharedRows?: number;
  /** sha256 or md5 of placeholders besides the known ones. */
  placeholders?: ReadonlySet<string>;
  /** Told after every picture. */
  onPicture?: (done: number, total: number) => void;
}

/** Standard deviation of luminance below which a picture shows nothing. */
const FLAT = 2;

/** Decodes every picture once and describes it. */
export async function inspectPosts(
  splits: Readonly<Record<string, readonly Sample[]>>,
  options: InspectOptions = {},
): Promise<InspectedPost[]> {
  const { sharedRows = 10, onPicture = () => {} } = options;
  const posts = Object.entries(splits).flatMap(([split, samples]) => samples.map((sample) => ({ split, sample })));
  const paths = [...new Set(posts.map(({ sample }) => sample.imagePath))];
  const pictures = new Map<string, PictureFingerprint | UnreadablePicture>();
  await forEachConcurrently(paths, availableParallelism(), async (path) => {
    pictures.set(path, await tryFingerprint(path, options.maxPixels));
    onPicture(pictures.size, paths.length);
  });
  const shares = countShares(posts.map(({ sample }) => pictures.get(sample.imagePath) as PictureFingerprint));
  return posts.map((post) => {
    const found = pictures.get(post.sample.imagePath) as PictureFingerprint | UnreadablePicture;
    return { ...post, ...judge(found, shares.get(found.sha256 ?? '') ?? 0, { ...options, sharedRows }) };
  });
}

function countShares(pictures: readonly { sha256: string | null }[]): Map<string, number> {
  const shares = new Map<string, number>();
  for (const { sha256 } of pictures) if (sha256 !== null) shares.set(sha256, (shares.get(sha256) ?? 0) + 1);
  return shares;
}

function judge(
  found: PictureFingerprint | UnreadablePicture,
  shares: number,
  { minSide = 32, placeholders, sharedRows }: InspectOptions & { sharedRows: number },
): Pick<InspectedPost, 'picture' | 'fault' | 'detail'> {
  if ('code' in found) return { picture: null, fault: 'unreadable', detail: found.message };
  const fault = (name: PictureFault | null, detail = '') => ({ picture: found, fault: name, detail });
  const placeholder = recognizePlaceholder(found, placeholders);
  if (placeholder !== null) return fault('placeholder', placeholder);
  if (sharedRows > 0 && shares >= sharedRows) return fault('placeholder', `${shares} posts share this picture`);
  if (Math.min(found.width, found.height) < minSide) return fault('tiny', `${found.width}×${found.height} pixels`);
  return found.contrast < FLAT ? fault('flat', 'one colour') : fault(null);
}
