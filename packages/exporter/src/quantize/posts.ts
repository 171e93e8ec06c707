import type { Preprocessing } from '@crosscheck/contract';
import type { ModelInputs } from '@crosscheck/inference';
import { createTokenizer, decodeImage, normalizeImage, padTokenIds } from '@crosscheck/preprocess';

/** A post as it is kept in memory: a byte for each colour of a pixel. */
export interface EncodedPost {
  /** [S, S, 3] */
  pixels: Uint8Array;
  tokenIds: Int32Array;
}

export interface Encoding {
  preprocessing: Preprocessing;
  tokenizerJson: string;
}

/** @throws what decoding pictures throws */
export async function encodePosts(
  posts: readonly { text: string; image: string }[],
  { preprocessing, tokenizerJson }: Encoding,
): Promise<EncodedPost[]> {
  const tokenizer = createTokenizer(tokenizerJson, preprocessing);
  const encoded: EncodedPost[] = [];
  for (const { text, image } of posts) {
    const pixels = await decodeImage(image, { size: preprocessing.imageSize });
    encoded.push({ pixels, tokenIds: tokenizer.encode(text) });
  }
  return encoded;
}

/** Posts as the network takes them, texts padded to the longest. */
export function inputsOf(posts: readonly EncodedPost[], preprocessing: Preprocessing): ModelInputs {
  const perImage = 3 * preprocessing.imageSize ** 2;
  const image = new Float32Array(posts.length * perImage); // [B, 3, S, S]
  posts.forEach(({ pixels }, row) => normalizeImage(pixels, preprocessing, 'nchw', image, row * perImage));
  const ids = padTokenIds(
    posts.map(({ tokenIds }) => tokenIds),
    0,
  );
  return { ...ids, size: posts.length, image };
}
