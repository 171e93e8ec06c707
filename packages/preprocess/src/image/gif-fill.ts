export interface Rgb {
  r: number;
  g: number;
  b: number;
}

const extension = 0x21;
const graphicControl = 0xf9;
const frame = 0x2c;
const black: Rgb = { r: 0, g: 0, b: 0 };

/** Bytes of the colour table that a packed field announces: 0 without one. */
export function tableBytes(packed: number): number {
  return packed & 0x80 ? 3 * 2 ** ((packed & 7) + 1) : 0;
}

/** The offset behind a chain of data blocks, each led by its length and ended by a length of 0. */
export function skipBlocks(gif: Buffer, start: number): number {
  let offset = start;
  while (offset < gif.length && gif.readUInt8(offset) !== 0) offset += 1 + gif.readUInt8(offset);
  return offset + 1;
}

function readFill(gif: Buffer): Rgb {
  const globalTable = 13;
  let [offset, index] = [globalTable + tableBytes(gif.readUInt8(10)), 0];
  while (gif.readUInt8(offset) === extension) {
    const isTransparent = gif.readUInt8(offset + 1) === graphicControl && gif.readUInt8(offset + 3) & 1;
    if (isTransparent) index = gif.readUInt8(offset + 6);
    offset = skipBlocks(gif, offset + 2);
  }
  const hasLocalTable = gif.readUInt8(offset) === frame && gif.readUInt8(offset + 9) & 0x80;
  const color = (hasLocalTable ? offset + 10 : globalTable) + 3 * index;
  return { r: gif.readUInt8(color), g: gif.readUInt8(color + 1), b: gif.readUInt8(color + 2) };
}

/**
 * The colour that shows through the first frame of a GIF once transparency is dropped: the palette's entry for the transparent index,
 * else entry 0. libvips gives black there instead.
 */
export function readGifFill(bytes: Uint8Array): Rgb {
  try {
    return readFill(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  } catch {
    return black; // cut short: the decoder itself will say so
  }
}
