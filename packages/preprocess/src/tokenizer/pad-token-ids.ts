/**
 * Right-pads rows of token ids to the longest one.
 *
 * @param length tokens per row when it should be more than the longest row has, e.g. a multiple of 8
 * @returns `inputIds` [B, L] padded with `padId`, `attentionMask` [B, L] with 1 on tokens and 0 on padding, and L
 */
export function padTokenIds(
  rows: readonly Int32Array[],
  padId: number,
  length = 0,
): { inputIds: Int32Array; attentionMask: Int32Array; length: number } {
  const paddedLength = rows.reduce((longest, row) => Math.max(longest, row.length), length);
  const inputIds = new Int32Array(rows.length * paddedLength).fill(padId); // [B, L]
  const attentionMask = new Int32Array(rows.length * paddedLength); // [B, L]
  rows.forEach((row, b) => {
    inputIds.set(row, b * paddedLength);
    attentionMask.fill(1, b * paddedLength, b * paddedLength + row.length);
  });
  return { inputIds, attentionMask, length: paddedLength };
}
