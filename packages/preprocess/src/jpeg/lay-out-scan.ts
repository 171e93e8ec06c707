import type { KernelMemory } from '../instantiate.ts';
import type { JpegComponent, JpegHeader } from './header.ts';
import { type Spans, spansFor } from './spans.ts';
import { pairTableBytes, symbolTableBytes, writePairTable, writeSymbolTable } from './symbol-table.ts';

/** What wasm/jpeg/index.ts exports. */
export interface Kernels {
  memory: KernelMemory;
  unstuff(source: number, sourceEnd: number, target: number, ends: number, segmentCount: number): number;
  decodeScan(scan: number): number;
  mixColours(scan: number, target: number): void;
}

/** Places in the kernels' memory. */
interface ScanPlaces {
  scan: number;
  /** [S, S, 3] the result. */
  square: number;
}

const pageBytes = 65_536;
/** Kernels read and write up to this many bytes too far. */
const slack = 32;
/** Zeros behind a segment of compressed bytes. */
const gap = 16;
/** The units between restarts when there are none. */
const never = 0x7fff_ffff;

/**
 * [256] byte offset, in a block as the kernels have it ([u / 2, v, u % 2] i16), of each coefficient in zigzag order
 * (T.81, figure 5); behind the block for what is no coefficient.
 */
const order = new Uint8Array(256).fill(128);
order.set(zigzag().map(([v, u]) => 2 * (16 * (u >> 1) + 2 * v + (u & 1))));

/** Diagonals in turn: even ones go up, odd ones down. */
function zigzag(): [v: number, u: number][] {
  const along = ([v, u]: [number, number]) => 64 * (v + u) + ((v + u) % 2 === 0 ? u : v);
  const places = Array.from({ length: 64 }, (_, i): [number, number] => [i >> 3, i & 7]);
  return places.sort((a, b) => along(a) - along(b));
}

/** Of each frequency, what the inverse transform leaves to be multiplied with the coefficients; with 11 fractional bits. */
const transformFactors = new Int16Array(64);
const factorOf = (frequency: number) => (frequency === 0 ? 1 : Math.SQRT2 * Math.cos((frequency * Math.PI) / 16));
for (const [i, [v, u]] of zigzag().entries())
  transformFactors[(order[i] as number) / 2] = Math.round(2 ** 11 * factorOf(v) * factorOf(u));

const cosine = 2 * Math.cos(Math.PI / 8);
const fixed = (number: number) => Math.round(2 ** 15 * number);

/** As `Eight` in wasm/jpeg/layout.ts has them: JFIF's colours, factors of the inverse transform, and limits with 5 fractional bits. */
const eights = Int16Array.from(
  [
    fixed(1.402 - 1),
    fixed(0.344136),
    fixed(0.714136),
    fixed(1.772 - 2),
    fixed(Math.SQRT2 - 1),
    fixed(cosine - 1),
    fixed(cosine + 2 * Math.sin(Math.PI / 8) - 2),
    fixed(cosine - 2 * Math.sin(Math.PI / 8) - 1),
    127 * 32,
    -128 * 32,
    2 * 32,
  ].flatMap((number) => Array.from({ length: 8 }, () => number)),
);

/** Takes the kernels' memory piece by piece; what is written before it is all taken would be lost when it grows. */
class Places {
  #end = 64; // nothing lies at 0
  readonly #writes: ((memory: ArrayBuffer) => boolean | void)[] = [];

  take(bytes: number, write?: (memory: ArrayBuffer, place: number) => boolean | void): number {
    const place = this.#end;
    this.#end += Math.ceil((bytes + slack) / 16) * 16;
    if (write) this.#writes.push((memory) => write(memory, place));
    return place;
  }

  takeInts(values: readonly number[]): number {
    return this.take(4 * values.length, (memory, place) => new Int32Array(memory, place).set(values));
  }

  takeZeros(bytes: number): number {
    return this.take(bytes, (memory, place) => void new Uint8Array(memory, place, bytes).fill(0));
  }

  /** @returns whether all writes found sense in what they wrote */
  write({ memory }: Kernels): boolean {
    const missing = this.#end - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / pageBytes));
    return this.#writes.every((write) => write(memory.buffer) !== false);
  }
}

/** Units of the scan along each side. */
function unitsOf({ width, height, components }: JpegHeader): { across: number; down: number } {
  const [luma] = components as [JpegComponent];
  return { across: Math.ceil(width / (8 * luma.across)), down: Math.ceil(height / (8 * luma.down)) };
}

/** Spans for every block along a side of the scan; those beyond the picture add to nothing. */
function takeSpans(
  { first, count }: Spans,
  weights: Int16Array | Float32Array,
  blocks: number,
  places: Places,
): number {
  const { BYTES_PER_ELEMENT: bytes } = weights;
  const weightsAt = places.take(weights.byteLength, (memory, place) => copyTo(memory, place, weights));
  const spans: number[] = [];
  for (let block = 0, at = weightsAt; block < blocks; block++) {
    spans.push(first[block] ?? 0, count[block] ?? 0, at);
    at += 8 * bytes * (count[block] ?? 0);
  }
  return places.takeInts(spans);
}

function copyTo(memory: ArrayBuffer, place: number, { buffer, byteOffset, byteLength }: ArrayBufferView): void {
  new Uint8Array(memory, place).set(new Uint8Array(buffer, byteOffset, byteLength));
}

/** Which columns and rows of the square each block of a component adds to. */
function spansOf(header: JpegHeader, index: number, size: number): { columns: Spans; rows: Spans } {
  const [luma, own] = [header.components[0], header.components[index]] as [JpegComponent, JpegComponent];
  return {
    columns: spansFor(header.width, luma.across === own.across ? 1 : 2, size),
    rows: spansFor(header.height, luma.down === own.down ? 1 : 2, size),
  };
}

/** By sample of a block. @returns the columns' and the rows' */
// oxlint-disable-next-line max-params -- the picture, a part of it, the result, and where it all goes
function takeSampleSpans(header: JpegHeader, index: number, size: number, places: Places): number[] {
  const { across, down } = header.components[index] as JpegComponent;
  const [units, { columns, rows }] = [unitsOf(header), spansOf(header, index, size)];
  return [
    takeSpans(columns, columns.sampleWeights, units.across * across, places),
    takeSpans(rows, rows.sampleWeights, units.down * down, places),
  ];
}

/** The numbers of a Component. */
// oxlint-disable-next-line max-params -- the picture, a part of it, the result, and where it all goes
function takeComponent(header: JpegHeader, index: number, size: number, places: Places): number[] {
  const c = header.components[index] as JpegComponent;
  const { columns, rows } = spansOf(header, index, size);
  const units = unitsOf(header);
  const stride = Math.ceil(size / 4) * 4;
  const takeTable = (kind: 'dc' | 'ac') =>
    places.take(symbolTableBytes, (memory, place) => writeSymbolTable(memory, place, c[kind], kind));
  const quantisation = places.take(256, (memory, place) => {
    const target = new Int16Array(memory, place, 128);
    for (const [i, step] of c.quantisation.entries()) {
      target[(order[i] as number) / 2] = step;
      target[64 + (order[i] as number) / 2] = 8 * step;
    }
  });
  return [
    c.across,
    c.down,
    takeTable('dc'),
    takeTable('ac'),
    places.take(pairTableBytes, (memory, place) => writePairTable(memory, place, c.ac)),
    quantisation,
    takeSpans(columns, columns.fixedWeights, units.across * c.across, places),
    takeSpans(rows, rows.weights, units.down * c.down, places),
    places.takeZeros(32 * stride * c.down),
    places.takeZeros(4 * stride * size),
    0,
  ];
}

const floatBits = (value: number) => new Int32Array(Float32Array.of(value).buffer)[0] as number;

/**
 * The most that pixels of the square may be wrong by because blocks are not looked at, and all of them on average, in 255ths. With twice that of
 * chroma, rows of blocks that change too little, and rounding, it stays below what test/fuzz/judge.ts holds the decoder to.
 */
const mostUnseen = { luma: { pixel: 13, mean: 1 }, chroma: { pixel: 3, mean: 0.25 } };

/** How much of a block may be cut off in the mean, unseen: it may all be where its weight is largest. */
function unseenFor({ columns, rows }: ReturnType<typeof spansOf>, { pixel, mean }: typeof mostUnseen.luma): number {
  return floatBits(Math.min(mean, pixel / (columns.peak * rows.peak)));
}

/** Bytes of a Block in wasm/jpeg/layout.ts. */
const blockBytes = 304;
const keptRows = 3;

/** Interpolated chroma of a unit, and room to work. */
const chromaBytes = 1024 + 384;

/**
 * Lays out what decoding a scan needs, in the form that wasm/jpeg/layout.ts describes.
 *
 * @returns null when the file's tables make no sense
 */
export function layOutScan(file: Uint8Array, header: JpegHeader, size: number, kernels: Kernels): ScanPlaces | null {
  const places = new Places();
  const components = header.components.map((_, index) => takeComponent(header, index, size, places));
  const units = unitsOf(header);
  const blocksPerUnit = header.components.reduce((sum, { across, down }) => sum + across * down, 0);
  const restartUnits = header.restartUnits || never;
  const segments = Math.ceil((units.across * units.down) / restartUnits);
  const compressed = file.subarray(header.scanStart);
  // Zeros behind it: what an earlier file left there must not end this one.
  const source = places.take(compressed.length, (memory, place) => {
    const target = new Uint8Array(memory, place, compressed.length + slack);
    target.set(compressed);
    target.fill(0, compressed.length);
  });
  const bytes = places.take(compressed.length + segments * gap);
  const ends = places.take(4 * segments);
  const square = places.take(3 * size * size);
  const scan = places.takeInts([
    places.takeInts(components.flat()),
    components.length,
    units.across,
    units.down,
    restartUnits,
    size,
    Math.ceil(size / 4) * 4,
    bytes,
    ends,
    places.take(256, (memory, place) => new Uint8Array(memory, place).set(order)),
    places.take(keptRows * units.across * blocksPerUnit * blockBytes),
    blocksPerUnit,
    unseenFor(spansOf(header, 0, size), mostUnseen.luma),
    unseenFor(spansOf(header, header.components.length - 1, size), mostUnseen.chroma),
    header.width,
    header.height,
    ...takeSampleSpans(header, 0, size, places),
    ...takeSampleSpans(header, header.components.length - 1, size, places),
    places.take(16 * size * Math.ceil(size / 4) * 4),
    0,
    places.take(chromaBytes),
    places.take(128, (memory, place) => new Int16Array(memory, place).set(transformFactors)),
    places.take(eights.byteLength, (memory, place) => new Int16Array(memory, place).set(eights)),
  ]);
  if (!places.write(kernels)) return null;
  const end = kernels.unstuff(source, source + compressed.length, bytes, ends, segments);
  return end === 0 ? null : { scan, square };
}
