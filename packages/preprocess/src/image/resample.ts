// Antialiased bilinear resampling with Pillow's arithmetic (src/libImaging/Resample.c): separable, int32 fixed point, rounded to bytes
// between the two passes. The inner loops are WebAssembly (wasm/resample.wat): five times as fast as the same loops in JavaScript.
import { type KernelMemory, openKernels } from '../instantiate.ts';
import { type Coefficients, coefficientsFor } from './resample-coefficients.ts';
import { resampleWasm } from './resample-wasm.ts';

/** An RGB picture: [height, width, 3]. */
export interface Pixels {
  data: Uint8Array;
  width: number;
  height: number;
}

interface Kernels {
  memory: KernelMemory;
  resampleRows(...sourceTargetRowsRowBytesTableTableEndEntryBytes: number[]): void;
  blendRows(...sourceTargetRowBytesWeightsWeightsEnd: number[]): void;
}

const open = openKernels<Kernels>(resampleWasm);

/** Input bytes that are resampled at a time: they stay in the processor's cache. */
const bandBytes = 128 * 1024;
/** The kernels read and write up to 16 bytes too far. */
const slack = 16;
const pageBytes = 65536;

/** Places in the kernels' memory, one after the other; it is grown when it is too small. */
function layOut(...sizes: number[]): number[] {
  let end = 0;
  const places = sizes.map((bytes) => {
    const place = end;
    end += Math.ceil((bytes + slack) / 16) * 16;
    return place;
  });
  const missing = end - open.current().memory.buffer.byteLength;
  if (missing > 0) open.current().memory.grow(Math.ceil(missing / pageBytes));
  return places;
}

/** [outSize, 2 + stride]: byte offset of the first pixel, bytes of its weights, weights. */
function rowTable({ first, count, weights, stride }: Coefficients): Int32Array {
  const table = new Int32Array(first.length * (2 + stride));
  first.forEach((low, x) => {
    const weightBytes = Math.ceil((count[x] as number) / 4) * 16;
    table.set([low * 3, weightBytes], x * (2 + stride));
    table.set(weights.subarray(x * stride, (x + 1) * stride), x * (2 + stride) + 2);
  });
  return table;
}

const rowTables = new WeakMap<Coefficients, Int32Array>();

function rowTableFor(coefficients: Coefficients): Int32Array {
  const table = rowTables.get(coefficients) ?? rowTable(coefficients);
  rowTables.set(coefficients, table);
  return table;
}

/** A pass along one axis. `run` takes pixels from one place of the kernels' memory to another, `load` takes them from outside. */
interface Pass {
  /** What it keeps in the kernels' memory: weights, and input on its way in. */
  workspace: readonly number[];
  load(source: Uint8Array, target: number, places: readonly number[]): void;
  run(source: number, target: number, places: readonly number[]): void;
}

const bytesAt = (place: number) => new Uint8Array(open.current().memory.buffer, place);

function keepAt(place: number, values: Int32Array): void {
  new Int32Array(open.current().memory.buffer, place).set(values);
}

/** [H, W, 3] → [H, S, 3] */
function rowPass(width: number, height: number, size: number): Pass {
  const coefficients = coefficientsFor(width, size);
  const table = rowTableFor(coefficients);
  const rowBytes = width * 3;
  const rowsPerBand = Math.max(1, Math.floor(bandBytes / rowBytes));
  const resampleRows = (source: number, target: number, rows: number, tableAt: number) => {
    const entryBytes = (2 + coefficients.stride) * 4;
    open.current().resampleRows(source, target, rows, rowBytes, tableAt, tableAt + table.byteLength, entryBytes);
  };
  return {
    workspace: [table.byteLength, rowsPerBand * rowBytes],
    load(source, target, [tableAt = 0, bandAt = 0]: readonly number[]) {
      keepAt(tableAt, table);
      const band = bytesAt(bandAt);
      for (let y = 0; y < height; y += rowsPerBand) {
        const rows = Math.min(rowsPerBand, height - y);
        band.set(source.subarray(y * rowBytes, (y + rows) * rowBytes));
        resampleRows(bandAt, target + y * size * 3, rows, tableAt);
      }
    },
    run(source, target, [tableAt = 0]: readonly number[]) {
      keepAt(tableAt, table);
      resampleRows(source, target, height, tableAt);
    },
  };
}

/** [H, W, 3] → [S, W, 3] */
function columnPass(width: number, height: number, size: number): Pass {
  const { first, count, weights, stride } = coefficientsFor(height, size);
  const rowBytes = width * 3;
  const blendRows = (y: number, source: number, target: number, weightsAt: number) => {
    const from = weightsAt + y * stride * 4;
    open.current().blendRows(source, target + y * rowBytes, rowBytes, from, from + (count[y] as number) * 4);
  };
  return {
    workspace: [weights.byteLength, stride * rowBytes],
    load(source, target, [weightsAt = 0, windowAt = 0]: readonly number[]) {
      keepAt(weightsAt, weights);
      const window = bytesAt(windowAt);
      for (let y = 0; y < size; y++) {
        const low = first[y] as number;
        window.set(source.subarray(low * rowBytes, (low + (count[y] as number)) * rowBytes));
        blendRows(y, windowAt, target, weightsAt);
      }
    },
    run(source, target, [weightsAt = 0]: readonly number[]) {
      keepAt(weightsAt, weights);
      for (let y = 0; y < size; y++) blendRows(y, source + (first[y] as number) * rowBytes, target, weightsAt);
    },
  };
}

/**
 * Stretches a picture to [size, size, 3], bit for bit as Pillow's `resize((size, size), BILINEAR)` does. Like Pillow since 13.0, it takes
 * the columns of a tall picture first, which is less work; the two orders differ by at most 1 of 255.
 */
export function resample(pixels: Pixels, size: number): Uint8Array {
  const square = resampleHere(pixels, size);
  open.tidy();
  return square;
}

function resampleHere(pixels: Pixels, size: number): Uint8Array {
  const { data, width, height } = pixels;
  if (width === size && height === size) return data;
  const squareBytes = size * size * 3;
  if (width === size || height === size) {
    const only = height === size ? rowPass(width, height, size) : columnPass(width, height, size);
    const places = layOut(squareBytes, ...only.workspace);
    only.load(data, 0, places.slice(1));
    return bytesAt(0).slice(0, squareBytes);
  }
  const isTall = height - size > 2 * (width - size) && height > size;
  const [first, second] = isTall
    ? [columnPass(width, height, size), rowPass(width, size, size)]
    : [rowPass(width, height, size), columnPass(size, height, size)];
  const betweenBytes = size * 3 * (isTall ? width : height);
  const [square = 0, between = 0, ...places] = layOut(
    squareBytes,
    betweenBytes,
    ...first.workspace,
    ...second.workspace,
  );
  first.load(data, between, places);
  second.run(between, square, places.slice(first.workspace.length));
  return bytesAt(square).slice(0, squareBytes);
}
