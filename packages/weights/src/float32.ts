import { bytesPerElement, type DType } from '@crosscheck/network';

// Every platform that libtensorflow is built for is little-endian, as is the file format, so typed arrays read it as it stands.
const readers: Record<DType, (buffer: ArrayBuffer) => Float32Array> = {
  F32: (buffer) => new Float32Array(buffer),
  F64: (buffer) => Float32Array.from(new Float64Array(buffer)),
  F16: (buffer) => Float32Array.from(new Uint16Array(buffer), halfToFloat),
  BF16: (buffer) => new Float32Array(Uint32Array.from(new Uint16Array(buffer), (bits) => bits << 16).buffer),
  I64: (buffer) => Float32Array.from(new BigInt64Array(buffer), Number),
  I32: (buffer) => Float32Array.from(new Int32Array(buffer)),
  I16: (buffer) => Float32Array.from(new Int16Array(buffer)),
  I8: (buffer) => Float32Array.from(new Int8Array(buffer)),
  U64: (buffer) => Float32Array.from(new BigUint64Array(buffer), Number),
  U32: (buffer) => Float32Array.from(new Uint32Array(buffer)),
  U16: (buffer) => Float32Array.from(new Uint16Array(buffer)),
  U8: (buffer) => Float32Array.from(new Uint8Array(buffer)),
  BOOL: (buffer) => Float32Array.from(new Uint8Array(buffer)),
};

/** Little-endian elements → float32. F32 is a view of `bytes` when its memory allows one; other dtypes are converted. */
export function toFloat32(bytes: Uint8Array, dtype: DType): Float32Array {
  const isWholeBuffer = bytes.buffer instanceof ArrayBuffer && bytes.byteLength === bytes.buffer.byteLength;
  const buffer = isWholeBuffer ? (bytes.buffer as ArrayBuffer) : bytes.slice().buffer;
  if (buffer.byteLength % bytesPerElement[dtype] !== 0)
    throw new RangeError(`${buffer.byteLength} bytes are no ${dtype} array`);
  return readers[dtype](buffer);
}

/** IEEE 754 binary16 bits → number. */
function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}
