// Protocol Buffers wire format, the part that ONNX needs: https://protobuf.dev/programming-guides/encoding
const wireType = { varint: 0, lengthDelimited: 2, fixed32: 5 } as const;

const textEncoder = new TextEncoder();

/** Writes one protobuf message field by field. Fields may repeat; the order of calls is the order on the wire. */
export class WireWriter {
  readonly #chunks: Uint8Array[] = [];
  #size = 0;

  /** Bytes written so far. */
  get size(): number {
    return this.#size;
  }

  #push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#size += chunk.byteLength;
  }

  #tag(field: number, type: number): void {
    this.#push(varint((field << 3) | type));
  }

  /** int32, int64, bool and enum fields; negative numbers take ten bytes, as the format asks. */
  int(field: number, value: number | bigint): this {
    this.#tag(field, wireType.varint);
    this.#push(varint(value));
    return this;
  }

  float(field: number, value: number): this {
    this.#tag(field, wireType.fixed32);
    const chunk = new Uint8Array(4);
    new DataView(chunk.buffer).setFloat32(0, value, true);
    this.#push(chunk);
    return this;
  }

  bytes(field: number, value: Uint8Array): this {
    this.#tag(field, wireType.lengthDelimited);
    this.#push(varint(value.byteLength));
    this.#push(value);
    return this;
  }

  string(field: number, value: string): this {
    return this.bytes(field, textEncoder.encode(value));
  }

  message(field: number, message: WireWriter): this {
    this.#tag(field, wireType.lengthDelimited);
    this.#push(varint(message.#size));
    for (const chunk of message.#chunks) this.#push(chunk);
    return this;
  }

  finish(): Uint8Array {
    const out = new Uint8Array(this.#size);
    let offset = 0;
    for (const chunk of this.#chunks) {
      out.set(chunk, offset);
      offset += chunk.byteLength;
    }
    return out;
  }
}

/** Base-128, least significant group first; negative values as 64-bit two's complement. */
function varint(value: number | bigint): Uint8Array {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}
