// Decodes the one scan of a baseline JPEG straight to the size of the network. No picture is ever laid out in its own size: a block's 64
// cosine coefficients go through the resize as they are, because the cosine transform and the resize are both linear.
//
// Two passes, as separable as the transform. Along x, every block adds to the columns of the square that see it, for each of its eight
// vertical frequencies; when a row of blocks is complete, along y, its eight frequencies add to the rows of the square that see them.
//
// The format is ITU T.81.

import { addBlock, addMean, clearBlock, dequantise } from './blocks';
import { clipChroma, correctRow } from './clipping';
import { isAtEnd, isBeyond, readBlock, startReading } from './entropy';
import { Block, blockOf, componentOf, gap, Scan, spanOf } from './layout';
import { addRow } from './rows';

export { mixColours } from './colour';
export { unstuff } from './unstuff';

/** Reads the blocks of a unit. @returns whether its bits had a meaning, and its numbers a size that pictures have */
function readUnit(scan: Scan, unitX: i32, unitY: i32): bool {
  const first = changetype<usize>(blockOf(scan, unitX, unitY, 0));
  let at = first;
  for (let i = 0; i < scan.componentCount; i++) {
    const c = componentOf(scan, i);
    for (let n = c.across * c.down; n > 0; n--, at += offsetof<Block>()) {
      clearBlock(at);
      const isVaried = readBlock(c, scan.order, at);
      if (isVaried < 0) return false;
      const block = changetype<Block>(at);
      block.isVaried = isVaried;
      block.isSampled = 0;
      block.range = -1;
    }
  }
  // Not before all are read: what was just stored piece by piece cannot be loaded as a whole at once.
  at = first;
  let isSane = true;
  for (let i = 0; i < scan.componentCount; i++) {
    const c = componentOf(scan, i);
    for (let n = c.across * c.down; n > 0; n--, at += offsetof<Block>())
      isSane = dequantise(changetype<Block>(at), c.quantisation) && isSane;
  }
  return isSane;
}

/** The blocks of a unit add to the columns that see them. */
function addUnit(scan: Scan, unitX: i32, unitY: i32): void {
  const rowBytes = usize(scan.stride) << 5;
  let at = changetype<usize>(blockOf(scan, unitX, unitY, 0));
  for (let i = 0; i < scan.componentCount; i++) {
    const c = componentOf(scan, i);
    let making = c.making;
    for (let y = 0; y < c.down; y++, making += rowBytes) {
      for (let x = 0; x < c.across; x++, at += offsetof<Block>()) {
        const span = spanOf(c.columns, unitX * c.across + x);
        if (changetype<Block>(at).isVaried) addBlock(at, span, making);
        else addMean(at, span, making);
      }
    }
  }
}

/**
 * Decodes the scan into the components' planes.
 *
 * @returns whether every bit of it had a meaning, none was left, and its numbers have a size that pictures have
 */
export function decodeScan(scan: Scan): bool {
  let end: usize = scan.bytes - gap;
  let ends = scan.ends;
  let left = 0;
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
      if (!readUnit(scan, unitX, unitY) || isBeyond(end)) return false;
      addUnit(scan, unitX, unitY);
    }
    finishRows(scan, unitY);
    if (!clipChroma(scan, unitY)) return false;
    // One row behind: chroma is interpolated from the row below, too.
    if (unitY > 0 && !correctRow(scan, unitY - 1)) return false;
  }
  return isAtEnd(end) && correctRow(scan, scan.unitsDown - 1);
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
