import { readOrientation } from './orientation.ts';

/** A table of Huffman codes as a DHT segment has it: how many there are of each length from 1 to 16, and their symbols. */
export interface HuffmanCodes {
  /** [16] */
  counts: Uint8Array;
  symbols: Uint8Array;
}

export interface JpegComponent {
  /** Sampling factors: blocks in a unit of the scan, across and down; 1 or 2 for luma, 1 for chroma. */
  across: number;
  down: number;
  /** [64] in zigzag order. */
  quantisation: Uint8Array;
  dc: HuffmanCodes;
  ac: HuffmanCodes;
}

/** What stands before the compressed bytes of a JPEG with one scan. */
export interface JpegHeader {
  width: number;
  height: number;
  /** Luma alone, or luma and both chromas. */
  components: readonly JpegComponent[];
  /** Units between two restart markers; 0 = none. */
  restartUnits: number;
  /** 1…8, as EXIF numbers them. */
  orientation: number;
  /** Offset of the compressed bytes. */
  scanStart: number;
}

interface FrameComponent {
  id: number;
  across: number;
  down: number;
  quantisationId: number;
}

interface Frame {
  width: number;
  height: number;
  components: FrameComponent[];
}

/** What segments have said so far. */
interface Found {
  quantisations: (Uint8Array | undefined)[];
  dc: (HuffmanCodes | undefined)[];
  ac: (HuffmanCodes | undefined)[];
  frame: Frame | null;
  restartUnits: number;
  isJfif: boolean;
  /** The transform that an Adobe segment names: 1 is YCbCr. */
  adobeTransform: number | null;
  orientation: number | null;
}

/** Reads a segment's contents; false for what only other decoders know. */
type SegmentReader = (body: Buffer, found: Found) => boolean;

function readQuantisations(body: Buffer, { quantisations }: Found): boolean {
  for (let at = 0; at < body.length; at += 65) {
    const id = body[at] as number;
    if (id > 3 || at + 65 > body.length) return false; // 16-bit numbers have a 1 before the id
    quantisations[id] = body.subarray(at + 1, at + 65);
  }
  return true;
}

function readHuffmanCodes(body: Buffer, { dc, ac }: Found): boolean {
  for (let at = 0; at < body.length; ) {
    const [kind, counts] = [body[at] as number, body.subarray(at + 1, at + 17)];
    const symbolCount = counts.reduce((sum, count) => sum + count, 0);
    const symbols = body.subarray(at + 17, at + 17 + symbolCount);
    at += 17 + symbolCount;
    if ((kind & 0xef) > 3 || at > body.length) return false;
    (kind & 0x10 ? ac : dc)[kind & 3] = { counts, symbols };
  }
  return true;
}

/** Eight bits a sample, as nearly all have. */
function readFrame(body: Buffer, found: Found): boolean {
  const count = body[5] as number;
  if (found.frame || body[0] !== 8 || body.length !== 6 + 3 * count) return false;
  const components = Array.from({ length: count }, (_, i) => {
    const [id = 0, sampling = 0, quantisationId = 0] = body.subarray(6 + 3 * i);
    return { id, across: sampling >> 4, down: sampling & 15, quantisationId };
  });
  found.frame = { height: body.readUInt16BE(1), width: body.readUInt16BE(3), components };
  return true;
}

function readExif(body: Buffer, found: Found): boolean {
  if (body.toString('latin1', 0, 6) !== 'Exif\0\0') return true;
  if (found.orientation !== null) return false;
  found.orientation = readOrientation(body.subarray(6));
  return found.orientation !== null;
}

const skip: SegmentReader = () => true;

/** By marker. Those that are missing here stand for arithmetic codes, several scans, lossless pictures and the like. */
const readers: Record<number, SegmentReader> = {
  192: readFrame,
  193: readFrame,
  196: readHuffmanCodes,
  219: readQuantisations,
  221(body, found) {
    if (body.length !== 2) return false;
    found.restartUnits = body.readUInt16BE(0);
    return true;
  },
  224(body, found) {
    found.isJfif ||= body.toString('latin1', 0, 5) === 'JFIF\0';
    return true;
  },
  225: readExif,
  238(body, found) {
    if (body.length >= 12 && body.toString('latin1', 0, 5) === 'Adobe') found.adobeTransform = body[11] as number;
    return true;
  },
  254: skip,
  ...Object.fromEntries([2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15].map((number) => [224 + number, skip])),
};

const scanMarker = 218;

/** As libjpeg decides it. */
function isYCbCr({ isJfif, adobeTransform }: Found, ids: string): boolean {
  if (isJfif) return true;
  return adobeTransform === null ? ids !== '82,71,66' : adobeTransform === 1;
}

/** Sampling that is decoded straight: luma with as many samples as the picture has pixels, chroma with as many or half of them. */
function isUsual(index: number, { across, down }: FrameComponent): boolean {
  const most = index === 0 ? 2 : 1;
  return across >= 1 && across <= most && down >= 1 && down <= most;
}

/** A component of the scan, with its tables; null where one is missing. */
// oxlint-disable-next-line max-params -- none of them goes with another
function readComponent(body: Buffer, index: number, component: FrameComponent, found: Found): JpegComponent | null {
  const [id, tables = 0] = body.subarray(1 + 2 * index);
  const quantisation = found.quantisations[component.quantisationId];
  const [dc, ac] = [found.dc[tables >> 4], found.ac[tables & 15]];
  if (id !== component.id || !quantisation || !dc || !ac || !isUsual(index, component)) return null;
  return { across: component.across, down: component.down, quantisation, dc, ac };
}

/** Spectral selection and approximation of a scan that has everything. */
const wholeScan = '003f00';

/** The one scan must hold all components, whole. */
function readScan(body: Buffer, found: Found, scanStart: number): JpegHeader | null {
  const { frame, restartUnits, orientation } = found;
  if (!frame || frame.width * frame.height === 0) return null;
  const count = frame.components.length;
  const ids = frame.components.map(({ id }) => id).join();
  const isKnown = count === 1 || (count === 3 && isYCbCr(found, ids));
  if (!isKnown || body[0] !== count || body.toString('hex', 1 + 2 * count) !== wholeScan) return null;
  const components = frame.components.map((component, i) => readComponent(body, i, component, found));
  if (!components.every((component) => component !== null)) return null;
  // The blocks of a lone component follow one another, whatever its sampling.
  const units = count === 1 ? components.map((component) => ({ ...component, across: 1, down: 1 })) : components;
  const { width, height } = frame;
  return { width, height, components: units, restartUnits, orientation: orientation ?? 1, scanStart };
}

/**
 * Reads a JPEG up to its compressed bytes.
 *
 * @returns null for everything but an undamaged baseline picture (ITU T.81) in grey or YCbCr with a single scan
 */
export function readJpegHeader(file: Buffer): JpegHeader | null {
  const found: Found = {
    quantisations: [],
    dc: [],
    ac: [],
    frame: null,
    restartUnits: 0,
    isJfif: false,
    adobeTransform: null,
    orientation: null,
  };
  for (let at = 2; at + 4 <= file.length; ) {
    if (file[at] !== 0xff) return null;
    const marker = file[at + 1] as number;
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    const end = at + 2 + file.readUInt16BE(at + 2);
    if (end > file.length) return null;
    const body = file.subarray(at + 4, end);
    if (marker === scanMarker) return readScan(body, found, end);
    if (!readers[marker]?.(body, found)) return null;
    at = end;
  }
  return null;
}
