/**
 * One batch as it leaves the data package and enters the model.
 * B samples, S pixels per side, L tokens of the longest text in the batch.
 */
export interface Batch {
  size: number;
  /** Tokens per row: the longest text of this batch, or a multiple that the caller asked for. */
  length: number;
  /** Pixels per side, S. */
  imageSize: number;
  /** [B, S, S, 3] float32 NHWC, normalised. */
  image: Float32Array;
  /** [B, L] int32, right-padded with the tokenizer's pad id. */
  inputIds: Int32Array;
  /** [B, L] int32, 1 on tokens and 0 on padding. */
  attentionMask: Int32Array;
  /** [B, 1] float32: 0 REAL, 1 FAKE. */
  label: Float32Array;
  /** [B] float32, 0 where a post has no picture and its pixels are 0; left out where all have one. */
  hasImage?: Float32Array;
  /** [B] float32, 0 where a post has no words; left out where all have some. */
  hasText?: Float32Array;
  /** Position of each row in the dataset's sample list. */
  indices: Int32Array;
}
