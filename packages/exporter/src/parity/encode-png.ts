import { crc32, deflateSync } from 'node:zlib';

const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');

/**
 * An uncompressed-quality picture file out of RGB bytes: https://www.w3.org/TR/png/
 *
 * @param pixels [height, width, 3] u8
 */
export function encodePng(pixels: Uint8Array, width: number): Uint8Array {
  const rowBytes = 3 * width;
  const height = pixels.length / rowBytes;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8); // 8 bits per channel, RGB, no interlace
  const rows = Array.from({ length: height }, (_, y) => [noFilter, pixels.subarray(y * rowBytes, (y + 1) * rowBytes)]);
  const body = deflateSync(Buffer.concat(rows.flat()));
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', body), chunk('IEND', Buffer.alloc(0))]);
}

const noFilter = Uint8Array.of(0);

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  checksum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, checksum]);
}
