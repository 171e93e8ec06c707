import { openKernels } from '../instantiate.ts';
import type { JpegHeader } from './header.ts';
import { jpegWasm } from './jpeg-wasm.ts';
import { type Kernels, layOutScan } from './lay-out-scan.ts';
import { turnUpright } from './orientation.ts';

const open = openKernels<Kernels>(jpegWasm);

/**
 * Decodes a JPEG straight to a square, without ever laying it out in its own size.
 *
 * @returns [S, S, 3] RGB; null when something about the file is unusual or damaged, so that another decoder must say what it is
 */
export function decodeJpeg(file: Uint8Array, header: JpegHeader, size: number): Uint8Array | null {
  const square = decodeSquare(open.current(), file, header, size);
  open.tidy();
  return square && turnUpright(square, size, header.orientation);
}

// oxlint-disable-next-line max-params -- the kernels, and what decodeJpeg takes
function decodeSquare(kernels: Kernels, file: Uint8Array, header: JpegHeader, size: number): Uint8Array | null {
  const places = layOutScan(file, header, size, kernels);
  if (!places || kernels.decodeScan(places.scan) === 0) return null;
  kernels.mixColours(places.scan, places.square);
  return new Uint8Array(kernels.memory.buffer, places.square, 3 * size * size).slice();
}
