import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { CrosscheckError, type Encoding } from '@crosscheck/contract';
import { type Codec, chooseCodec } from './codecs.ts';
import { countLineBreaks, createLineCounter } from './line-breaks.ts';

export interface DecodedPiece {
  text: string;
  /** Bytes of the file read so far. */
  bytes: number;
}

/**
 * Streams a file's text without its byte order mark, in constant memory.
 *
 * @param key what the user sets another encoding with
 * @throws CROSSCHECK_DATA_ENCODING with the line and the byte
 */
export async function* decodeFile(file: string, asked: Encoding, key: string): AsyncGenerator<DecodedPiece> {
  const decode = createDecoder(file, asked, key);
  let carry: Buffer = Buffer.alloc(0);
  let bytes = 0;
  let codec: Codec | undefined;
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    let all = carry.length === 0 ? chunk : Buffer.concat([carry, chunk]);
    if (codec === undefined && all.length >= 4) [codec, all] = begin(all, asked);
    const cut = codec?.whole(all) ?? 0;
    carry = all.subarray(cut);
    if (codec && cut > 0) yield { text: decode(codec, all.subarray(0, cut)), bytes };
  }
  if (codec === undefined) [codec, carry] = begin(carry, asked);
  if (carry.length > 0) yield { text: decode(codec, carry), bytes };
}

function begin(start: Buffer, asked: Encoding): [Codec, Buffer] {
  const codec = chooseCodec(start, asked);
  return [codec, start.subarray(codec.mark)];
}

function createDecoder(file: string, asked: Encoding, key: string): (codec: Codec, bytes: Buffer) => string {
  const lines = createLineCounter();
  let isLooked = false;
  return (codec, bytes) => {
    if (codec.name === 'Latin-1' && !isLooked && bytes.some((byte) => byte > 127)) {
      isLooked = true;
      if (isUtf8(bytes)) throw isAlready(file, key);
    }
    const text = codec.decode(bytes);
    if (typeof text !== 'string') throw notDecodable(file, key, codec, placeOf(bytes, text.badByte, codec, lines));
    const zero = text.indexOf('\0');
    if (zero >= 0) throw hasZero(file, key, asked, lines.line() + countLineBreaks(text.slice(0, zero)));
    lines.add(text);
    return text;
  };
}

interface Place {
  line: number;
  /** Of the line, from 1, as far as it began in these bytes. */
  column: number;
  byte: number;
}

function placeOf(bytes: Buffer, at: number, codec: Codec, lines: { line(): number }): Place {
  const before = codec.decode(bytes.subarray(0, at));
  const text = typeof before === 'string' ? before : bytes.toString('latin1', 0, at);
  const lineStart = Math.max(bytes.lastIndexOf(0x0a, at - 1), bytes.lastIndexOf(0x0d, at - 1)) + 1;
  return { line: lines.line() + countLineBreaks(text), column: at - lineStart + 1, byte: bytes[at] ?? 0 };
}

function notDecodable(file: string, key: string, codec: Codec, { line, column, byte }: Place): CrosscheckError {
  const hex = `0x${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  const message = `expected ${codec.name} text, got other bytes (${file}:${line}: ${hex} is the ${column}. byte of the line); save the file as UTF-8, or read it as Latin-1 (Windows-1252) with ${key}=latin1`;
  return new CrosscheckError('CROSSCHECK_DATA_ENCODING', message);
}

function hasZero(file: string, key: string, asked: Encoding, line: number): CrosscheckError {
  const hint = asked === 'auto' ? `UTF-16 without a byte order mark is read with ${key}=utf-16le or utf-16be` : '';
  const message = `expected text, got a NUL character (${file}:${line}); save the file as UTF-8${hint && `; ${hint}`}`;
  return new CrosscheckError('CROSSCHECK_DATA_ENCODING', message);
}

function isAlready(file: string, key: string): CrosscheckError {
  const message = `expected Latin-1 text, as ${key}=latin1 says, got UTF-8 (${file}): read as Latin-1 its letters would become others; leave ${key} out`;
  return new CrosscheckError('CROSSCHECK_DATA_ENCODING', message);
}
