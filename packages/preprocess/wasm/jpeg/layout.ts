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
  /** [64] i16 in the order of a block; behind them the same eight times over. */
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

/** A block as it was read, and what was found out about it. */
@unmanaged
export class Block {
  /** [64] i16: pairs of neighbours in u side by side: [u / 2, v, u % 2]. */
  c0: v128;
  c1: v128;
  c2: v128;
  c3: v128;
  c4: v128;
  c5: v128;
  c6: v128;
  c7: v128;
  /** What is read too far falls here. */
  beyond: i32;
  /** 0 when there is nothing but the mean. */
  isVaried: i32;
  /** Of its samples. */
  mean: f32;
  deviation: f32;
  /** Whether the samples below are there. */
  isSampled: i32;
  /** How far samples are from their mean, at most; negative where nobody asked. */
  range: f32;
  /** Once they are there, the lowest and the highest of them. */
  low: f32;
  high: f32;
  /** Of the first block of chroma: the most that samples of both are, and the negative of the least: [blue, red, −blue, −red]. */
  most: v128;
  /** [8, 8] i16 with 3 fractional bits, around zero. */
  s0: v128;
  s1: v128;
  s2: v128;
  s3: v128;
  s4: v128;
  s5: v128;
  s6: v128;
  s7: v128;
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
  /** [3, unitsAcross, blocks of a unit]: those of the last three rows of units; a unit has luma's, row by row, and chroma's. */
  blocks: usize;
  blocksPerUnit: i32;
  /** By how much the pixels of a block may be cut off, on average and at most as far as mean and deviation tell, without a look at them. */
  unseen: f32;
  /** And the samples of a block of chroma. */
  chromaUnseen: f32;
  /** Of the picture, in pixels. */
  width: i32;
  height: i32;
  /** As a component's, but [8] i16 with 15 fractional bits by sample of the block, for both; luma's, and chroma's. */
  lumaColumns: usize;
  lumaRows: usize;
  chromaColumns: usize;
  chromaRows: usize;
  /** [S, S, 4] f32: what cutting off changes, in red, green and blue; it is cleared when it is first needed. */
  corrections: usize;
  /** Whether it holds something. */
  isCorrected: i32;
  /** [2, 16, 16] i16 with 5 fractional bits: blue and red difference of a unit's pixels; and behind them room for ten rows of it. */
  chroma: usize;
  /** [64] i16 in the order of a block, with 11 fractional bits: what coefficients are multiplied with before the inverse transform. */
  transformFactors: usize;
  /** [11, 8] i16: see Eight. */
  eights: usize;
}

/** Numbers that are needed eight times over: to read them takes one instruction, to make them four. */
export enum Eight {
  /** With 15 fractional bits: colours of chroma; and of the inverse transform √2, 2 cos(π / 8), and the sum and the difference of both. */
  redOfRedLess1,
  greenOfBlue,
  greenOfRed,
  blueOfBlueLess2,
  root2Less1,
  cosineLess1,
  sumLess2,
  differenceLess1,
  /** With 5: white, black, and two 255ths: rows of a block that no pixel changes by as much in are left as they are. */
  highest,
  lowest,
  least,
}

export function eightOf(scan: Scan, number: Eight): v128 {
  return v128.load(scan.eights + (usize(number) << 4));
}

export function componentOf(scan: Scan, index: i32): Component {
  return changetype<Component>(scan.components + index * offsetof<Component>());
}

/** A block of a unit; only the last three rows of units are there. */
export function blockOf(scan: Scan, unitX: i32, unitY: i32, index: i32): Block {
  const unit = (unitY % 3) * scan.unitsAcross + unitX;
  return changetype<Block>(scan.blocks + usize(unit * scan.blocksPerUnit + index) * offsetof<Block>());
}

export function spanOf(spans: usize, index: i32): Span {
  return changetype<Span>(spans + index * offsetof<Span>());
}
