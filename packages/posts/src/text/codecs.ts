import { isUtf8 } from 'node:buffer';
import type { Encoding } from '@crosscheck/contract';

/** Decodes a file piece by piece. */
export interface Codec {
  name: string;
  /** Bytes of a byte order mark in front. */
  mark: number;
  /** How many of the bytes end at the end of a character. */
  whole(bytes: Buffer): number;
  /** The text, or where the first byte stands that cannot be one. */
  decode(bytes: Buffer): string | { badByte: number };
}

const utf8: Omit<Codec, 'mark'> = {
  name: 'UTF-8',
  whole: wholeUtf8,
  decode: (bytes) => (isUtf8(bytes) ? bytes.toString('utf8') : { badByte: firstBadByte(bytes) }),
};

// What browsers and spreadsheets mean by Latin-1 has quotes and dashes where ISO 8859-1 has control characters.
const windows1252 = new TextDecoder('windows-1252');
const latin1: Omit<Codec, 'mark'> = {
  name: 'Latin-1',
  whole: (bytes) => bytes.length,
  decode: (bytes) => windows1252.decode(bytes),
};

function utf16(name: string, toLittleEndian: (bytes: Buffer) => Buffer): Omit<Codec, 'mark'> {
  return {
    name,
    whole(bytes) {
      const even = bytes.length - (bytes.length % 2);
      const last = even === 0 ? 0 : toLittleEndian(bytes.subarray(even - 2, even)).readUInt16LE();
      return last >> 10 === 0x36 ? even - 2 : even; // the first half of a pair waits for the second
    },
    decode(bytes) {
      const text = toLittleEndian(bytes).toString('utf16le');
      if (text.isWellFormed()) return text;
      return { badByte: 2 * text.search(/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/) };
    },
  };
}

const codecs: Record<Exclude<Encoding, 'auto'>, Omit<Codec, 'mark'>> = {
  'utf-8': utf8,
  latin1,
  'utf-16le': utf16('UTF-16', (bytes) => bytes),
  'utf-16be': utf16('UTF-16', (bytes) => Buffer.from(bytes).swap16()),
};

const marks = [
  { bytes: Buffer.from('efbbbf', 'hex'), encoding: 'utf-8' },
  { bytes: Buffer.from('fffe', 'hex'), encoding: 'utf-16le' },
  { bytes: Buffer.from('feff', 'hex'), encoding: 'utf-16be' },
] as const;

/** The codec of a file by its first bytes; a byte order mark is right, whatever was asked for. */
export function chooseCodec(start: Buffer, asked: Encoding): Codec {
  const mark = marks.find(({ bytes }) => bytes.equals(start.subarray(0, bytes.length)));
  const encoding = mark?.encoding ?? (asked === 'auto' ? 'utf-8' : asked);
  return { ...codecs[encoding], mark: mark?.bytes.length ?? 0 };
}

/** Up to the character that the bytes cut, if they cut one. */
function wholeUtf8(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] as number;
    if (byte >> 6 === 2) continue; // goes on a character that began before
    const needed = byte >> 5 === 6 ? 2 : byte >> 4 === 14 ? 3 : byte >> 3 === 30 ? 4 : 1;
    return needed > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

/** By halving: the bytes before the bad one can be decoded, those up to it cannot. What it breaks off begins before it. */
function firstBadByte(bytes: Buffer): number {
  let [good, bad] = [0, bytes.length];
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (mayBegin(bytes.subarray(0, middle))) good = middle;
    else bad = middle;
  }
  return wholeUtf8(bytes.subarray(0, good));
}

function mayBegin(bytes: Buffer): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}
