// Decodes the one scan of a baseline JPEG straight to the size of the network. No picture is ever laid out in its own size: a block's 64
// cosine coefficients go through the resize as they are, because the cosine transform and the resize are both linear.
//
// Two passes, as separable as the transform. Along x, every block adds to the columns of the square that see it, for each of its eight
// vertical frequencies; when a row of blocks is complete, along y, its eight frequencies add to the rows of the square that see them.
//
// The format is ITU T.81.

import { addBlock, addMean, clearBlock, dequantise } from './blocks';
import { isCutOff } from './clipping';
import { isAtEnd, isBeyond, readBlock, startReading } from './entropy';
import { blockOf, componentOf, gap, Scan, spanOf } from './layout';
import { addRow } from './rows';

export { mixColours } from './colour';
export { unstuff } from './unstuff';

/** Reads the blocks of a unit. @returns whether its bits had a meaning */
function readUnit(scan: Scan): bool {
  let index = 0;
  for (let i = 0; i < scan.componentCount; i++) {
    const c = componentOf(scan, i);
    for (let n = c.across * c.down; n > 0; n--, index++) {
      const block = blockOf(scan, index);
      block.isVaried = readBlock(c, scan.order, block.coefficients);
      if (block.isVaried < 0) return false;
    }
  }
  // Not before all are read: what was just stored piece by piece cannot be loaded as a whole at once.
  index = 0;
  for (let i = 0; i < scan.componentCount; i++) {
    const c = componentOf(scan, i);
    for (let n = c.across * c.down; n > 0; n--, index++) dequantise(blockOf(scan, index), c.quantisation);
  }
  return true;
}

/** Blocks of a unit that decoders cut off. */
function countCutOff(scan: Scan): i32 {
  const luma = componentOf(scan, 0);
  const count = luma.across * luma.down;
  let cutOff = 0;
  for (let i = 0; i < count; i++)
    cutOff += i32(isCutOff(blockOf(scan, i), blockOf(scan, count), blockOf(scan, count + 1), scan.tolerance));
  return cutOff;
}

/** The blocks of a unit add to the columns that see them. */
function addUnit(scan: Scan, unitX: i32): void {
  const rowBytes = usize(scan.stride) << 5;
  let index = 0;
  for (let i = 0; i < scan.componentCount; i++) {
    const c = componentOf(scan, i);
    let making = c.making;
    for (let y = 0; y < c.down; y++, making += rowBytes) {
      for (let x = 0; x < c.across; x++, index++) {
        const block = blockOf(scan, index);
        const span = spanOf(c.columns, unitX * c.across + x);
        if (block.isVaried) addBlock(block.coefficients, span, making);
        else addMean(block.coefficients, span, making);
        clearBlock(block.coefficients);
      }
    }
  }
}

/**
 * Decodes the scan into the components' planes.
 *
 * @returns whether every bit of it had a meaning, none was left, and no more blocks are cut off than are tolerated
 */
export function decodeScan(scan: Scan): bool {
  let end: usize = scan.bytes - gap;
  let ends = scan.ends;
  let left = 0;
  let cutOff = 0;
  for (let unitY = 0; unitY < scan.unitsDown; unitY++) {
    for (let unitX = 0; unitX < scan.unitsAcross; unitX++) {
      if (left == 0) {
        if (end >= scan.bytes && !isAtEnd(end)) return false;
        left = scan.restartUnits;
        startSegment(scan, end + gap);
        end = scan.bytes + load<u32>(ends);
        ends += 4;
      }
      left--;
      if (!readUnit(scan) || isBeyond(end)) return false;
      cutOff += countCutOff(scan);
      addUnit(scan, unitX);
    }
    if (cutOff > scan.tolerated) return false;
    finishRows(scan, unitY);
  }
  return isAtEnd(end);
}

function startSegment(scan: Scan, from: usize): void {
  startReading(from);
  for (let i = 0; i < scan.componentCount; i++) componentOf(scan, i).predicted = 0;
}

/** A row of units is complete. */
function finishRows(scan: Scan, unitY: i32): void {
  for (let i = 0; i < scan.componentCount; i++) {
    const c = componentOf(scan, i);
    let making = c.making;
    for (let y = 0; y < c.down; y++, making += usize(scan.stride) << 5)
      addRow(scan, c, spanOf(c.rows, unitY * c.down + y), making);
  }
}
