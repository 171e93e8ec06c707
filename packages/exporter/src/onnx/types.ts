/** ONNX element types by their number in TensorProto.DataType. */
export const dataTypes = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7, float16: 10 } as const;
export type DataType = keyof typeof dataTypes;

/** A fixed size or the name of a dynamic one. */
export type Dimension = number | string;

export interface ValueInfo {
  name: string;
  type: DataType;
  shape: readonly Dimension[];
  /** What the value holds: shape, range, units. */
  doc?: string;
}

export type Attribute = number | string | readonly number[] | { float: number };

export interface Node {
  op: string;
  /** Of the operator; none for ONNX's own. */
  domain?: string;
  name: string;
  inputs: readonly string[];
  outputs: readonly string[];
  attributes: Readonly<Record<string, Attribute>>;
}

/** What an initializer's values are held in; float16 as the bits of each number. */
export type Values = Float32Array | Uint8Array | Int8Array | Int32Array | BigInt64Array | Uint16Array;

/** A constant of the graph. Its values are asked for once, when they are written. */
export interface Initializer {
  name: string;
  type: DataType;
  shape: readonly number[];
  read(): Promise<Values>;
}

export interface Graph {
  name: string;
  doc: string;
  nodes: readonly Node[];
  initializers: readonly Initializer[];
  inputs: readonly ValueInfo[];
  outputs: readonly ValueInfo[];
}

/** Where an initializer's bytes stand: in the graph file or at an offset of the data file. */
export type Placement = { inline: Uint8Array } | { location: string; offset: number; length: number };

const bytesPerElement: Record<DataType, number> = { float32: 4, uint8: 1, int8: 1, int32: 4, int64: 8, float16: 2 };

export function byteLength(initializer: Initializer): number {
  return initializer.shape.reduce((product, size) => product * size, bytesPerElement[initializer.type]);
}
