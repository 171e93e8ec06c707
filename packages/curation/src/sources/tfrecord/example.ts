import { CrosscheckError } from '@crosscheck/contract';

/** The values of one feature of a `tf.train.Example`. */
export type Feature = { bytes: Buffer[] } | { floats: number[] } | { ints: number[] };

export type Example = Record<string, Feature>;

// tensorflow/core/example/feature.proto: Example{1: Features{1: map<string, Feature>}}, Feature{1: bytes, 2: floats, 3: int64s}, each {1: values}.
const VARINT = 0;
const FIXED64 = 1;
const LENGTH = 2;
const FIXED32 = 5;

interface Field {
  number: number;
  wire: number;
  /** The number of a varint, the bytes of everything else. */
  value: number | Buffer;
}

/**
 * Reads a `tf.train.Example` from its protocol buffer. Every length is held against the bytes that are there, so that each byte is read once.
 *
 * @param where file and record, for the message
 * @throws CROSSCHECK_DATA_BROKEN_TFRECORD
 */
export function decodeExample(message: Buffer, where = 'a record'): Example {
  try {
    return exampleOf(message);
  } catch (cause) {
    if (!(cause instanceof BrokenMessage)) throw cause;
    const problem = `expected a tf.train.Example, got ${cause.message} (${where}); write the file again`;
    throw new CrosscheckError('CROSSCHECK_DATA_BROKEN_TFRECORD', problem, { cause });
  }
}

class BrokenMessage extends Error {}

function exampleOf(message: Buffer): Example {
  const example: Example = Object.create(null); // a feature may have any name
  for (const features of messagesOf(message, 1)) {
    for (const entry of messagesOf(features, 1)) {
      const [name] = messagesOf(entry, 1);
      const [feature] = messagesOf(entry, 2);
      if (name) example[name.toString('utf8')] = decodeFeature(feature ?? Buffer.alloc(0));
    }
  }
  return example;
}

function decodeFeature(message: Buffer): Feature {
  const [list] = fieldsOf(message);
  const values = list === undefined ? [] : [...fieldsOf(bytesOf(list))].filter(({ number }) => number === 1);
  if (list?.number === 1) return { bytes: values.map(bytesOf) };
  if (list?.number === 2) return { floats: values.flatMap((value) => floatsOf(bytesOf(value))) };
  return {
    ints: values.flatMap(({ wire, value }) => (wire === LENGTH ? varintsOf(value as Buffer) : [Number(value)])),
  };
}

function messagesOf(message: Buffer, number: number): Buffer[] {
  return [...fieldsOf(message)].flatMap((field) => (field.number === number ? [bytesOf(field)] : []));
}

function bytesOf({ value, number }: Field): Buffer {
  if (typeof value !== 'number') return value;
  throw new BrokenMessage(`a number where field ${number} has bytes`);
}

const widths: Readonly<Record<number, number>> = { [FIXED64]: 8, [FIXED32]: 4 };

/** Far more than any post has; empty fields of two bytes would take fifty times their size in memory. */
const [maxFields, maxValues] = [1 << 20, 1 << 24];

function* fieldsOf(message: Buffer): Generator<Field> {
  let count = 0;
  for (let at = 0; at < message.length; ) {
    if (++count > maxFields) throw new BrokenMessage(`more than ${maxFields} fields in a message`);
    const [tag, afterTag] = readVarint(message, at);
    const [number, wire] = [Math.floor(tag / 8), tag & 7];
    if (wire === VARINT) {
      const [value, end] = readVarint(message, afterTag);
      yield { number, wire, value };
      at = end;
    } else {
      const [length, start] = wire === LENGTH ? readVarint(message, afterTag) : [widths[wire], afterTag];
      if (length === undefined) throw new BrokenMessage(`wire type ${wire} at byte ${at}`);
      if (length < 0 || length > message.length - start)
        throw new BrokenMessage(`a length of ${length} at byte ${at}, where ${message.length - start} bytes are left`);
      yield { number, wire, value: message.subarray(start, start + length) };
      at = start + length;
    }
  }
}

const maxVarintBytes = 10;

/** The value, as a signed 64-bit number as far as a double holds it, and where it ends. */
function readVarint(bytes: Buffer, start: number): [number, number] {
  let value = 0n;
  for (let i = 0; i < maxVarintBytes; i++) {
    const byte = bytes[start + i];
    if (byte === undefined) throw new BrokenMessage(`an end within the number at byte ${start}`);
    value |= BigInt(byte & 0x7f) << BigInt(7 * i);
    if (byte < 0x80) return [Number(BigInt.asIntN(64, value)), start + i + 1];
  }
  throw new BrokenMessage(`a number of more than ${maxVarintBytes} bytes at byte ${start}`);
}

function varintsOf(bytes: Buffer): number[] {
  const values: number[] = [];
  for (let at = 0; at < bytes.length; ) {
    const [value, end] = readVarint(bytes, at);
    if (values.push(value) > maxValues) throw new BrokenMessage(`more than ${maxValues} numbers in a feature`);
    at = end;
  }
  return values;
}

function floatsOf(bytes: Buffer): number[] {
  if (bytes.length % 4 !== 0) throw new BrokenMessage(`${bytes.length} bytes of float32`);
  return Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(i * 4));
}

/** Writes a `tf.train.Example`, features in the order of their names, as TensorFlow's deterministic serialisation does. */
export function encodeExample(example: Example): Buffer {
  const entries = Object.entries(example).sort(([a], [b]) => (a < b ? -1 : 1));
  const features = entries.map(([name, feature]) =>
    field(1, Buffer.concat([field(1, Buffer.from(name)), field(2, encodeFeature(feature))])),
  );
  return field(1, Buffer.concat(features));
}

function encodeFeature(feature: Feature): Buffer {
  if ('bytes' in feature) return field(1, Buffer.concat(feature.bytes.map((value) => field(1, value))));
  if ('floats' in feature) return field(2, field(1, Buffer.from(Float32Array.from(feature.floats).buffer)));
  return field(3, field(1, Buffer.concat(feature.ints.map(varint))));
}

function field(number: number, value: Buffer): Buffer {
  return Buffer.concat([varint(number * 8 + LENGTH), varint(value.length), value]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(rest)]);
}
