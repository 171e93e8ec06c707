/** Quantised coefficients of a plane, padded to whole units: [down, across, 64], in zigzag order. */
export interface CoefficientPlane {
  across: number;
  down: number;
  coefficients: Int16Array;
}

/** A baseline JPEG before its numbers are coded. */
export interface JpegPlan {
  width: number;
  height: number;
  /** Luma's blocks in a unit, across and down: 1 or 2. */
  sampling: readonly [across: number, down: number];
  /** Luma's and chroma's, in zigzag order. */
  quantisation: readonly [Uint8Array, Uint8Array];
  /** Units between restart markers; 0 = none. */
  restartUnits: number;
  /** Luma alone, or luma and both chromas. */
  planes: CoefficientPlane[];
  /** Whole segments, markers included, that stand before the frame. */
  extra: Buffer[];
}

/** Units of the scan along each side. */
export function unitsOf({
  width,
  height,
  sampling,
}: Pick<JpegPlan, 'width' | 'height' | 'sampling'>): [number, number] {
  return [Math.ceil(width / (8 * sampling[0])), Math.ceil(height / (8 * sampling[1]))];
}

export function segment(marker: number, body: Uint8Array | number[]): Buffer {
  const head = Buffer.from([0xff, marker, (body.length + 2) >> 8, (body.length + 2) & 255]);
  return Buffer.concat([head, Uint8Array.from(body)]);
}

// Codes that are all as long as one another need no statistics: 4 bits for sizes of differences, 8 for runs with sizes.
const dcSymbols = Array.from({ length: 12 }, (_, size) => size);
const acSymbols = [0x00, 0xf0, ...Array.from({ length: 160 }, (_, i) => (Math.floor(i / 10) << 4) | ((i % 10) + 1))];
const acCodes = new Map(acSymbols.map((symbol, code) => [symbol, code]));

function huffmanTable(kind: number, length: number, symbols: number[]): number[] {
  const counts = Array.from({ length: 16 }, (_, i) => (i + 1 === length ? symbols.length : 0));
  return [kind, ...counts, ...symbols];
}

class BitWriter {
  readonly bytes: number[] = [];
  #bits = 0;
  #count = 0;

  write(value: number, count: number): void {
    for (let i = count - 1; i >= 0; i--) {
      this.#bits = (this.#bits << 1) | ((value >> i) & 1);
      if (++this.#count === 8) this.#push();
    }
  }

  /** Fills the last byte up with ones. */
  flush(): void {
    while (this.#count > 0) this.write(1, 1);
  }

  #push(): void {
    this.bytes.push(this.#bits);
    if (this.#bits === 0xff) this.bytes.push(0);
    [this.#bits, this.#count] = [0, 0];
  }
}

const sizeOf = (value: number) => 32 - Math.clz32(Math.abs(value));

function writeNumber(bits: BitWriter, value: number, size: number): void {
  bits.write(value < 0 ? value + (1 << size) - 1 : value, size);
}

function writeBlock(bits: BitWriter, block: Int16Array, predicted: number): void {
  const difference = (block[0] as number) - predicted;
  bits.write(sizeOf(difference), 4);
  writeNumber(bits, difference, sizeOf(difference));
  let run = 0;
  for (let k = 1; k < 64; k++) {
    const value = block[k] as number;
    if (value === 0) run++;
    else {
      for (; run > 15; run -= 16) bits.write(acCodes.get(0xf0) as number, 8);
      bits.write(acCodes.get((run << 4) | sizeOf(value)) as number, 8);
      writeNumber(bits, value, sizeOf(value));
      run = 0;
    }
  }
  if (run > 0) bits.write(acCodes.get(0x00) as number, 8);
}

function writeScan(plan: JpegPlan): Buffer {
  const bits = new BitWriter();
  const [across, down] = unitsOf(plan);
  const predicted = plan.planes.map(() => 0);
  for (let unit = 0; unit < across * down; unit++) {
    if (plan.restartUnits > 0 && unit > 0 && unit % plan.restartUnits === 0) {
      bits.flush();
      bits.bytes.push(0xff, 0xd0 + ((unit / plan.restartUnits - 1) & 7));
      predicted.fill(0);
    }
    for (const [i, plane] of plan.planes.entries()) {
      const [h, v] = i === 0 && plan.planes.length === 3 ? plan.sampling : [1, 1];
      for (let n = 0; n < h * v; n++) {
        const x = (unit % across) * h + (n % h);
        const y = Math.floor(unit / across) * v + Math.floor(n / h);
        const at = 64 * (y * plane.across + x);
        writeBlock(bits, plane.coefficients.subarray(at, at + 64), predicted[i] as number);
        predicted[i] = plane.coefficients[at] as number;
      }
    }
  }
  bits.flush();
  return Buffer.from(bits.bytes);
}

/** Codes a plan: a file that says exactly these coefficients. */
export function writeJpeg(plan: JpegPlan): Buffer {
  const { width, height, planes, sampling, quantisation, restartUnits } = plan;
  const ids = planes.map((_, i) => i + 1);
  const frame = ids.flatMap((id, i) => [id, i === 0 ? (sampling[0] << 4) | sampling[1] : 0x11, Math.min(i, 1)]);
  return Buffer.concat([
    Buffer.from([0xff, 0xd8]),
    ...plan.extra,
    segment(0xdb, [0, ...quantisation[0], 1, ...quantisation[1]]),
    segment(0xc0, [8, height >> 8, height & 255, width >> 8, width & 255, ids.length, ...frame]),
    segment(0xc4, [...huffmanTable(0, 4, dcSymbols), ...huffmanTable(0x10, 8, acSymbols)]),
    ...(restartUnits > 0 ? [segment(0xdd, [restartUnits >> 8, restartUnits & 255])] : []),
    segment(0xda, [ids.length, ...ids.flatMap((id) => [id, 0]), 0, 63, 0]),
    writeScan(plan),
    Buffer.from([0xff, 0xd9]),
  ]);
}
