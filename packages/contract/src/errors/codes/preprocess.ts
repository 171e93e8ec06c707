import type { ErrorRow } from '../error-row.ts';

/** Codes of preprocess. */
export const preprocessErrors = {
  CROSSCHECK_IMAGE_UNREADABLE: {
    meaning: 'a picture file is missing, empty, cut short or damaged',
    remedy: 'replace the file; the message names it and says what the decoder met',
    status: 400,
    example: 'expected a whole picture, got VipsJpeg: premature end of JPEG image (image); replace the file',
  },
  CROSSCHECK_IMAGE_UNSUPPORTED: {
    meaning:
      'a file is not JPEG, PNG, WebP, GIF, AVIF, HEIC (HEIF), BMP or TIFF by its first bytes; the message says what it is',
    remedy: "convert it to one of them; the file's name does not matter",
    status: 415,
    example:
      'expected JPEG, PNG, WebP, GIF, AVIF, HEIC, BMP or TIFF by its first bytes, got a PDF (image); convert the picture to one of them',
  },
  CROSSCHECK_IMAGE_POLYGLOT: {
    meaning:
      'behind the end of an uploaded picture stands a file of another kind: ZIP, PDF, HTML, a script or a program',
    remedy: 'save the picture again; previews, video and notes that cameras append are fine',
    status: 415,
    example:
      'expected a picture and nothing else, got JPEG with a ZIP archive behind its end (image); save the picture again',
  },
  CROSSCHECK_IMAGE_TOO_SMALL: {
    meaning: 'a side of an uploaded picture is shorter than `serve.min_image_side`',
    remedy: 'send a larger one',
    status: 400,
    example: 'expected sides of at least 8 pixels, got 1×1 (image); send a larger picture',
  },
  CROSSCHECK_IMAGE_TOO_LARGE: {
    meaning: 'width × height is above the limit (40 megapixels by default)',
    remedy: 'make the picture smaller, or raise `data.max_pixels`',
    status: 413,
    example:
      'expected at most 40000000 pixels and sides up to 65535, got 30000×30000 (image); send a smaller picture or raise the limit',
  },
  CROSSCHECK_IMAGE_TOO_COMPLEX: {
    meaning:
      'a file asks for more work than its size says: a JPEG of more than 100 scans or a thousand million pixels in all of them, more than 10,000 segments, chunks or frames, a PNG of more than 256 KiB of compressed text, a TIFF of more than 1,000 directories, an AVIF of more than 1,000 items, more than 8 channels; the message says which',
    remedy: 'save the picture again, as PNG or baseline JPEG',
    status: 413,
    example: 'expected JPEG with scans up to 100, got 1000 (image); save the picture again, as PNG or baseline JPEG',
  },
  CROSSCHECK_IMAGE_OVER_BUDGET: {
    meaning: 'decoding a picture takes more memory than all pictures together may',
    remedy: 'send a smaller one, or raise the budget (`serve.max_decoded_bytes`, `inference.image.max_decoded_bytes`)',
    status: 413,
    example:
      'expected a picture that decodes in 896 MiB, got one that takes about 1041 MiB (image); send a smaller one, or raise the budget',
  },
  CROSSCHECK_IMAGE_BUDGET_BUSY: {
    meaning:
      'other pictures that are being decoded held the memory that all may take (`serve.max_decoded_bytes`) for too long',
    remedy: 'try again later',
    status: 429,
    example:
      'pictures that are being decoded take 896 MiB, which is all that they may, and there was no room for another one in 5000 ms (image); try again later',
  },
  CROSSCHECK_IMAGE_DEADLINE: {
    meaning:
      'a picture was not decoded in the time that there was: in the service waiting included, in `infer` and `score` without (`inference.image.decode_ms`)',
    remedy: 'send a smaller one, or allow more time',
  },
  CROSSCHECK_IMAGE_DECODER_ENDED: {
    meaning: 'the process that decoded a picture ended, or was closed',
    remedy: 'try again',
    status: 503,
    example: 'expected the decoder to answer, but its process ended (image); try again',
  },
  CROSSCHECK_TOKENIZER_NOT_FOUND: {
    meaning: 'there is no `tokenizer.json` and no `vocab.txt` at the given path',
    remedy: 'correct the path, or save the tokenizer there',
  },
  CROSSCHECK_TOKENIZER_INVALID: {
    meaning: 'a `tokenizer.json` is not one, or a vocabulary lacks `[PAD]`, `[UNK]`, `[CLS]` or `[SEP]`',
    remedy: 'save the tokenizer again from its source',
  },
} as const satisfies Record<string, ErrorRow>;
