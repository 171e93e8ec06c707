import type { PictureFingerprint } from './fingerprint-picture.ts';

/** One picture that hosts send in place of a deleted one. */
interface Placeholder {
  what: string;
  /** Of the file, hex. */
  md5: string;
  /** Size in pixels together with the largest file of that size that counts. */
  looks: { width: number; height: number; maxBytes: number };
}

/**
 * Pictures that stand for deleted ones. imgur's, 161×81 pixels in 503 bytes, has been reported with this hash for years
 * (github.com/HoverHell/RedditImageGrab/issues/50, github.com/facebookresearch/IMGUR5K-Handwriting-Dataset/issues/10).
 */
const known: readonly Placeholder[] = [
  {
    what: "imgur's picture for a deleted one",
    md5: 'd835884373f4d6c8f24742ceabe74946',
    looks: { width: 161, height: 81, maxBytes: 2048 },
  },
];

/** Where hosts send those who ask for a deleted picture. */
const placeholderPaths = [/\/removed\.(png|jpe?g|gif)$/i, /\/(image_)?not_?(found|available)\.(png|jpe?g|gif)$/i];

type PlaceholderTraits = Pick<PictureFingerprint, 'sha256' | 'md5' | 'width' | 'height' | 'bytes'>;

/**
 * What a picture is a placeholder of, or null.
 *
 * @param hashes sha256 or md5 of more such files, hex
 */
export function recognizePlaceholder(
  picture: PlaceholderTraits,
  hashes: ReadonlySet<string> = new Set(),
): string | null {
  if (hashes.has(picture.sha256) || hashes.has(picture.md5)) return 'listed as a placeholder';
  return known.find((one) => matches(one, picture))?.what ?? null;
}

function matches({ md5, looks }: Placeholder, picture: PlaceholderTraits): boolean {
  if (md5 === picture.md5) return true;
  return picture.width === looks.width && picture.height === looks.height && picture.bytes <= looks.maxBytes;
}

/** Whether a redirect leads to a placeholder instead of a picture. */
export function isPlaceholderAddress(url: URL): boolean {
  return placeholderPaths.some((pattern) => pattern.test(url.pathname));
}
