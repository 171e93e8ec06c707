export { type BertTokenizerConfig, buildBertTokenizerJson } from './bert-tokenizer-json.ts';
export { collectLessOften } from './collect-less-often.ts';
export {
  type DecodeOptions,
  decodeDirectly,
  decodeImage,
  defaultMaxPixels,
  type OpenImage,
  openImage,
  type SharedOptions,
  type WeighedImage,
  weighImage,
} from './decode-image.ts';
export { openWithSharp } from './decode-pixels.ts';
export { decoderVersion } from './decoder-version.ts';
export { type ByteBudget, defaultDecodedBytes, openByteBudget } from './decoders/byte-budget.ts';
export {
  type DecoderStats,
  type Decoders,
  type DecodersOptions,
  type DecodeWithinOptions,
  openDecoders,
} from './decoders/decoders.ts';
export { Gate } from './gate.ts';
export { maxImageBytes, readImageFile, readImageFileSync } from './image-file.ts';
export { type ImageType, imageTypeNames, recognizeImageType } from './image-type.ts';
export { instantiate, type KernelMemory } from './instantiate.ts';
export { loadTokenizer } from './load-tokenizer.ts';
export { normalizeImage } from './normalize-image.ts';
export { padTokenIds } from './pad-token-ids.ts';
export { createTokenizer, type Tokenizer } from './tokenizer.ts';
