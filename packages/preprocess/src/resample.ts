// Antialiased bilinear resampling with Pillow's arithmetic (src/libImaging/Resample.c): separable, int32 fixed point, rounded to bytes
// between the two passes. The inner loops are WebAssembly (wasm/resample.wat): five times as fast as the same loops in JavaScript.
import { type Coefficients, coefficientsFor } from './resample-coefficients.ts';
import { resampleWasm } from './resample-wasm.ts';

/** An RGB picture: [height, width, 3]. */
export interface Pixels {
  data: Uint8Array;
  width: number;
  height: number;
}

interface Kernels {
  memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  resampleRows(...sourceTargetRowsRowBytesTableTableEndEntryBytes: number[]): void;
  blendRows(...sourceTargetRowBytesWeightsWeightsEnd: number[]): void;
}

// TypeScript declares it with the browser's types only.
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object) => { exports: unknown };
};

const kernels = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(resampleWasm, 'base64')))
  .exports as Kernels;

/** Input bytes that are resampled at a time: they stay in the processor's cache. */
const bandBytes = 128 * 1024;
/** The kernels read and write up to 16 bytes too far. */
const slack = 16;
const pageBytes = 65536;

const roundUp = (bytes: number) => Math.ceil(bytes / 16) * 16;

/** The kernels' memory, laid out as weights, input, output; grown when it is too small. */
function layOut(weightBytes: number, inputBytes: number, outputBytes: number) {
  const input = roundUp(weightBytes);
  const output = input + roundUp(inputBytes + slack);
  const missing = output + outputBytes + slack - kernels.memory.buffer.byteLength;
  if (missing > 0) kernels.memory.grow(Math.ceil(missing / pageBytes));
  return { memory: new Uint8Array(kernels.memory.buffer), input, output };
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

/** [H, W, 3] → [H, S, 3] */
function resampleRows({ data, width, height }: Pixels, size: number): Pixels {
  const coefficients = coefficientsFor(width, size);
  const table = rowTableFor(coefficients);
  const rowBytes = width * 3;
  const rowsPerBand = Math.max(1, Math.floor(bandBytes / rowBytes));
  const { memory, input, output } = layOut(table.byteLength, rowsPerBand * rowBytes, rowsPerBand * size * 3);
  new Int32Array(memory.buffer, 0, table.length).set(table);
  const out = new Uint8Array(height * size * 3);
  for (let y = 0; y < height; y += rowsPerBand) {
    const rows = Math.min(rowsPerBand, height - y);
    memory.set(data.subarray(y * rowBytes, (y + rows) * rowBytes), input);
    kernels.resampleRows(input, output, rows, rowBytes, 0, table.byteLength, (2 + coefficients.stride) * 4);
    out.set(memory.subarray(output, output + rows * size * 3), y * size * 3);
  }
  return { data: out, width: size, height };
}

/** [H, W, 3] → [S, W, 3] */
function resampleColumns({ data, width, height }: Pixels, size: number): Pixels {
  const { first, count, weights, stride } = coefficientsFor(height, size);
  const rowBytes = width * 3;
  const { memory, input, output } = layOut(weights.byteLength, stride * rowBytes, rowBytes);
  new Int32Array(memory.buffer, 0, weights.length).set(weights);
  const out = new Uint8Array(size * rowBytes);
  for (let y = 0; y < size; y++) {
    const low = first[y] as number;
    const taps = count[y] as number;
    const weightsAt = y * stride * 4;
    memory.set(data.subarray(low * rowBytes, (low + taps) * rowBytes), input);
    kernels.blendRows(input, output, rowBytes, weightsAt, weightsAt + taps * 4);
    out.set(memory.subarray(output, output + rowBytes), y * rowBytes);
  }
  return { data: out, width, height: size };
}

/**
 * Stretches a picture to [size, size, 3], bit for bit as Pillow's `resize((size, size), BILINEAR)` does. Like Pillow since 13.0, it takes
 * the columns of a tall picture first, which is less work; the two orders differ by at most 1 of 255.
 */
export function resample(pixels: Pixels, size: number): Uint8Array {
  const isTall = pixels.height > size && pixels.height - size > 2 * (pixels.width - size);
  const rows = (picture: Pixels) => (picture.width === size ? picture : resampleRows(picture, size));
  const columns = (picture: Pixels) => (picture.height === size ? picture : resampleColumns(picture, size));
  return isTall ? rows(columns(pixels)).data : columns(rows(pixels)).data;
}
