import { crc32 } from 'node:zlib';
import { corrupt, type PositionedFile } from '../positioned-file.ts';

/** A file stored uncompressed in a zip archive. */
export interface ZipEntry {
  readonly name: string;
  readonly size: number;
  readonly crc: number;
  readonly headerOffset: number;
  /** Where the next entry, or the directory, begins. */
  readonly limit: number;
}

type ListedEntry = Omit<ZipEntry, 'limit'>;

const signatures = {
  end: 0x06054b50,
  end64: 0x06064b50,
  locator64: 0x07064b50,
  central: 0x02014b50,
  local: 0x04034b50,
};
const [endBytes, locatorBytes, end64Bytes, centralBytes, localBytes] = [22, 20, 56, 46, 30];
const maxCommentBytes = 0xffff;
const maxDirectoryBytes = 1 << 26;
const seeZip64 = 0xffffffff;
const zip64Field = 1;

/**
 * The entries of a zip archive by name, from its central directory. Strict: only stored entries, no encryption, no name twice, no
 * overlap, everything inside the file.
 *
 * @throws CROSSCHECK_WEIGHTS_CORRUPT
 * @see https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
 */
export async function readZipDirectory(file: PositionedFile): Promise<Map<string, ZipEntry>> {
  const { offset, size, count } = await findDirectory(file);
  if (offset + size > file.size || size > maxDirectoryBytes)
    throw corrupt(file.path, 'the zip directory is outside the file');
  const entries = parseDirectory(file.path, await file.read(offset, size), count);
  const placed = placeEntries(file.path, entries, offset);
  return new Map(placed.map((entry) => [entry.name, entry]));
}

/** Bytes `start` to `start + length` of an entry; a read of the whole entry is checked against its CRC. */
export async function readZipEntry(
  file: PositionedFile,
  entry: ZipEntry,
  [start, length]: readonly [start: number, length: number] = [0, entry.size],
): Promise<Uint8Array<ArrayBuffer>> {
  if (start + length > entry.size)
    throw corrupt(file.path, `${entry.name} has ${entry.size} bytes, ${start + length} are needed`);
  const local = view(await file.read(entry.headerOffset, localBytes));
  if (local.getUint32(0, true) !== signatures.local)
    throw corrupt(file.path, `no zip entry stands where ${entry.name} should`);
  const dataStart = entry.headerOffset + localBytes + local.getUint16(26, true) + local.getUint16(28, true);
  // Its own header may say other lengths than the directory does.
  if (dataStart + entry.size > entry.limit)
    throw corrupt(file.path, `zip entry ${entry.name} reaches into what follows it`);
  const bytes = await file.read(dataStart + start, length);
  if (length === entry.size && crc32(bytes) !== entry.crc)
    throw corrupt(file.path, `${entry.name} does not match its CRC-32`);
  return bytes;
}

interface Directory {
  offset: number;
  size: number;
  count: number;
}

async function findDirectory(file: PositionedFile): Promise<Directory> {
  const tailStart = Math.max(0, file.size - endBytes - maxCommentBytes - locatorBytes);
  const tail = view(await file.read(tailStart, file.size - tailStart));
  for (let i = tail.byteLength - endBytes; i >= 0; i--) {
    if (tail.getUint32(i, true) === signatures.end && i + endBytes + tail.getUint16(i + 20, true) === tail.byteLength) {
      const plain = {
        count: tail.getUint16(i + 10, true),
        size: tail.getUint32(i + 12, true),
        offset: tail.getUint32(i + 16, true),
      };
      const isZip64 = i >= locatorBytes && tail.getUint32(i - locatorBytes, true) === signatures.locator64;
      return isZip64 ? readDirectory64(file, tail.getBigUint64(i - locatorBytes + 8, true)) : plain;
    }
  }
  throw corrupt(file.path, 'the end of a zip archive is missing');
}

async function readDirectory64(file: PositionedFile, position: bigint): Promise<Directory> {
  if (position > BigInt(file.size - end64Bytes)) throw corrupt(file.path, 'the zip64 end record is outside the file');
  const record = view(await file.read(Number(position), end64Bytes));
  if (record.getUint32(0, true) !== signatures.end64) throw corrupt(file.path, 'the zip64 end record is missing');
  const [count = 0, size = 0, offset = 0] = [32, 40, 48].map((at) => Number(record.getBigUint64(at, true)));
  return { count, size, offset };
}

function parseDirectory(path: string, bytes: Uint8Array<ArrayBuffer>, count: number): ListedEntry[] {
  const entries: ListedEntry[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (bytes.length - at < centralBytes) throw corrupt(path, 'the zip directory ends within an entry');
    const header = view(bytes, at);
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((field) => header.getUint16(field, true)) as [
      number,
      number,
      number,
    ];
    const end = at + centralBytes + nameLength + extraLength + commentLength;
    if (header.getUint32(0, true) !== signatures.central || end > bytes.length)
      throw corrupt(path, 'a zip directory entry is damaged');
    entries.push(parseEntry(path, header, [nameLength, extraLength]));
    at = end;
  }
  if (entries.length !== count)
    throw corrupt(path, `the zip directory has ${entries.length} entries instead of ${count}`);
  return entries;
}

function parseEntry(
  path: string,
  header: DataView<ArrayBuffer>,
  [nameLength, extraLength]: [number, number],
): ListedEntry {
  const name = Buffer.from(header.buffer, header.byteOffset + centralBytes, nameLength).toString('utf8');
  const [flags, method] = [header.getUint16(8, true), header.getUint16(10, true)];
  if (flags & 1) throw corrupt(path, `zip entry ${name} is encrypted`);
  if (method !== 0)
    throw corrupt(path, `zip entry ${name} is compressed (method ${method}); PyTorch stores its entries plain`);
  const extra = view(new Uint8Array(header.buffer, header.byteOffset + centralBytes + nameLength, extraLength));
  const [size, compressedSize, headerOffset] = wide(
    [24, 20, 42].map((at) => header.getUint32(at, true)),
    extra,
  ) as [number, number, number];
  if (size !== compressedSize) throw corrupt(path, `zip entry ${name} has two sizes, ${size} and ${compressedSize}`);
  return { name, size, crc: header.getUint32(16, true), headerOffset };
}

/** Replaces the fields that do not fit 32 bits by the 64-bit ones of the zip64 extra field, which hold them in the same order. */
function wide(fields: number[], extra: DataView): number[] {
  let at = zip64Position(extra);
  return fields.map((value) => {
    if (value !== seeZip64 || at === null || at + 8 > extra.byteLength) return value;
    at += 8;
    return Number(extra.getBigUint64(at - 8, true));
  });
}

function zip64Position(extra: DataView): number | null {
  for (let at = 0; at + 4 <= extra.byteLength; at += 4 + extra.getUint16(at + 2, true)) {
    if (extra.getUint16(at, true) === zip64Field) return at + 4;
  }
  return null;
}

function placeEntries(path: string, entries: readonly ListedEntry[], directoryOffset: number): ZipEntry[] {
  if (new Set(entries.map(({ name }) => name)).size !== entries.length)
    throw corrupt(path, 'a zip entry stands in the directory twice');
  const sorted = entries.toSorted((a, b) => a.headerOffset - b.headerOffset);
  return sorted.map((entry, i) => {
    const limit = sorted[i + 1]?.headerOffset ?? directoryOffset;
    const follower = i + 1 < sorted.length ? 'the entry after it' : 'the directory';
    if (entry.headerOffset + localBytes + entry.size > limit)
      throw corrupt(path, `zip entry ${entry.name} reaches into ${follower}`);
    return { ...entry, limit };
  });
}

function view(bytes: Uint8Array<ArrayBuffer>, start = 0): DataView<ArrayBuffer> {
  return new DataView(bytes.buffer, bytes.byteOffset + start, bytes.byteLength - start);
}
