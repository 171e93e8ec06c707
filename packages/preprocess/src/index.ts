export { type BertTokenizerConfig, buildBertTokenizerJson } from './bert-tokenizer-json.ts';
export { type DecodeOptions, decodeImage, defaultMaxPixels, type OpenImage, openImage } from './decode-image.ts';
export { decoderVersion } from './decoder-version.ts';
export { type ImageType, recognizeImageType } from './image-type.ts';
export { loadTokenizer } from './load-tokenizer.ts';
export { normalizeImage } from './normalize-image.ts';
export { padTokenIds } from './pad-token-ids.ts';
export { createTokenizer, type Tokenizer } from './tokenizer.ts';
