/** A part of a tensor, counted in numbers. */
export interface Piece {
  tensor: number;
  begin: number;
  size: number;
}

/** 25 MB of float32: larger messages are slower, and smaller ones cost a trip each. */
export const bucketSize = 6_250_000;

/** Divides tensors of these sizes, one after the other as they come, into buckets; a large one is cut. */
export function planBuckets(sizes: readonly number[], limit: number = bucketSize): Piece[][] {
  const buckets: Piece[][] = [];
  let room = 0;
  for (const [tensor, size] of sizes.entries()) {
    for (let begin = 0; begin < size; ) {
      if (room === 0) {
        buckets.push([]);
        room = limit;
      }
      const piece = { tensor, begin, size: Math.min(room, size - begin) };
      (buckets.at(-1) as Piece[]).push(piece);
      begin += piece.size;
      room -= piece.size;
    }
  }
  return buckets;
}
