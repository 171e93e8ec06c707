// What src/jpeg/lay-out-scan.ts writes into the kernels' memory.
// S: pixels per side of the square, and `stride` the next multiple of four. u, v: horizontal and vertical frequency, 0…7.

/** Bytes of zeros behind a segment of compressed bytes. */
export const gap: usize = 16;

/** Bits of the stream that a table of symbols, and a table of pairs, knows at once. */
export const peekBits: u64 = 10;

/** A component of the picture: luma, or one of the chromas. */
@unmanaged
export class Component {
  /** Blocks of it in a unit of the scan, across and down: 1 or 2 for luma, 1 for chroma. */
  across: i32;
  down: i32;
  /** Tables of symbols, and the second one's table of pairs; see entropy.ts for their form. */
  dc: usize;
  ac: usize;
  pairs: usize;
  /** [64] i16 in the order of a block. */
  quantisation: usize;
  /** By block column, padding included. */
  columns: usize;
  /** By block row. */
  rows: usize;
  /** [down, stride, 8] i32: rows of blocks in the making, by column of the square and v; 15 fractional bits. */
  making: usize;
  /** [S, stride] f32: the plane, around zero. */
  plane: usize;
  /** Mean of the block before. */
  predicted: i32;
}

/** A block as it was read. */
@unmanaged
export class Block {
  /** [64] i16: pairs of neighbours in u side by side: [u / 2, v, u % 2]; what is read too far falls behind them. */
  coefficients: usize;
  /** 0 when there is nothing but the mean. */
  isVaried: i32;
  /** Of its pixels. */
  mean: f32;
  variance: f32;
}

/** Which columns, or rows, of the square a block adds to. */
@unmanaged
export class Span {
  first: i32;
  count: i32;
  /** For each of them: a column's [8] i16 with 15 fractional bits, by u; a row's [8] f32, by v. */
  weights: usize;
}

@unmanaged
export class Scan {
  /** One behind the other. */
  components: usize;
  componentCount: i32;
  unitsAcross: i32;
  unitsDown: i32;
  /** Units between restarts; a number that is never reached where there are none. */
  restartUnits: i32;
  size: i32;
  stride: i32;
  /** Compressed bytes without their stuffing, a gap of zeros behind every segment. */
  bytes: usize;
  /** [segments] u32: the end of each, from `bytes`. */
  ends: usize;
  /** [256] u8: byte offset in a block of each coefficient in zigzag order, and for what is none, of the place behind them. */
  order: usize;
  /** The blocks of a unit: luma's, row by row, and chroma's. */
  blocks: usize;
  /** How far beyond black and white a block's pixels may be on average, in 255ths, and how many blocks may be farther. */
  tolerance: f32;
  tolerated: i32;
}

export function componentOf(scan: Scan, index: i32): Component {
  return changetype<Component>(scan.components + index * offsetof<Component>());
}

export function blockOf(scan: Scan, index: i32): Block {
  return changetype<Block>(scan.blocks + index * offsetof<Block>());
}

export function spanOf(spans: usize, index: i32): Span {
  return changetype<Span>(spans + index * offsetof<Span>());
}
