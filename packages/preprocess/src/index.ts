export { type DecodeOptions, decodeImage, defaultMaxPixels } from './decode-image.ts';
export { type ImageType, recognizeImageType } from './image-type.ts';
export { normalizeImage } from './normalize-image.ts';
export { padTokenIds } from './pad-token-ids.ts';
export { createTokenizer, loadTokenizer, type Tokenizer } from './tokenizer.ts';
export { type BertTokenizerConfig, buildBertTokenizerJson } from './tokenizer-json.ts';
