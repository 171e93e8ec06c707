export { collectLessOften } from './collect-less-often.ts';
export { type ByteBudget, defaultDecodedBytes, openByteBudget } from './decoders/byte-budget.ts';
export {
  type DecoderStats,
  type Decoders,
  type DecodersOptions,
  type DecodeWithinOptions,
  openDecoders,
} from './decoders/decoders.ts';
export { Gate } from './gate.ts';
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
} from './image/decode-image.ts';
export { openWithSharp } from './image/decode-pixels.ts';
export { decoderVersion } from './image/decoder-version.ts';
export { maxImageBytes, readImageFile, readImageFileSync } from './image/image-file.ts';
export { type ImageType, imageTypeNames, recognizeImageType } from './image/image-type.ts';
export { normalizeImage } from './image/normalize-image.ts';
export { instantiate, type KernelMemory } from './instantiate.ts';
export { type BertTokenizerConfig, buildBertTokenizerJson } from './tokenizer/bert-tokenizer-json.ts';
export { loadTokenizer } from './tokenizer/load-tokenizer.ts';
export { padTokenIds } from './tokenizer/pad-token-ids.ts';
export { createTokenizer, type Tokenizer } from './tokenizer/tokenizer.ts';
