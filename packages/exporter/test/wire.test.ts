import { expect, test } from 'vitest';
import { WireWriter } from '../src/onnx/wire.ts';

const hex = (writer: WireWriter) => Buffer.from(writer.finish()).toString('hex');

// Expected bytes are the examples of https://protobuf.dev/programming-guides/encoding/
test('writes the varint, string and embedded message of the specification', () => {
  expect(hex(new WireWriter().int(1, 150))).toBe('089601');
  expect(hex(new WireWriter().string(2, 'testing'))).toBe('120774657374696e67');
  expect(hex(new WireWriter().message(3, new WireWriter().int(1, 150)))).toBe('1a03089601');
});

test('writes negative integers in ten bytes and floats little-endian', () => {
  expect(hex(new WireWriter().int(1, -2))).toBe('08feffffffffffffffff01');
  expect(hex(new WireWriter().float(2, 1))).toBe('150000803f');
});

test('writes 64-bit integers and field numbers above 15', () => {
  expect(hex(new WireWriter().int(20, 2n ** 63n - 1n))).toBe('a001ffffffffffffffff7f');
});

test('counts bytes of multi-byte text', () => {
  expect(hex(new WireWriter().string(1, 'é'))).toBe('0a02c3a9');
});
