const short = 3;
const long = 4;

/**
 * Pixels as an uncompressed TIFF (TIFF 6.0, section 6): every limit on files, and the one way from file to network, hold for them, too.
 *
 * @param rgb [H, W, 3] u8
 */
export function rgbFile(rgb: Uint8Array, { width, height }: { width: number; height: number }): Buffer {
  // Tag, type, count, value; in the order of their tags. Bits per sample stand behind the entries, the pixels behind them.
  const entries = (bitsAt: number, pixelsAt: number) => [
    [256, long, 1, width],
    [257, long, 1, height],
    [258, short, 3, bitsAt],
    [259, short, 1, 1], // not compressed
    [262, short, 1, 2], // RGB
    [273, long, 1, pixelsAt],
    [277, short, 1, 3], // samples per pixel
    [278, long, 1, height], // one strip
    [279, long, 1, rgb.length],
  ];
  const bitsAt = 8 + 2 + 12 * entries(0, 0).length + 4;
  const file = Buffer.alloc(bitsAt + 6);
  file.write('II*\0', 'latin1');
  file.writeUInt32LE(8, 4);
  file.writeUInt16LE(entries(0, 0).length, 8);
  for (const [i, [tag = 0, type = 0, count = 0, value = 0]] of entries(bitsAt, file.length).entries()) {
    const at = 10 + 12 * i;
    file.writeUInt16LE(tag, at);
    file.writeUInt16LE(type, at + 2);
    file.writeUInt32LE(count, at + 4);
    file.writeUInt32LE(value, at + 8);
  }
  for (let sample = 0; sample < 3; sample++) file.writeUInt16LE(8, bitsAt + 2 * sample);
  return Buffer.concat([file, rgb]);
}
