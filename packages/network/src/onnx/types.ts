/** ONNX's element types. */
export type DataType = 'float32' | 'uint8' | 'int8' | 'int32' | 'int64' | 'float16';

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
