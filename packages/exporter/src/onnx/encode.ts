// Field numbers are those of onnx/onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
import type { Attribute, DataType, Dimension, Graph, Initializer, Node, ValueInfo } from '@crosscheck/network';
import type { Placement } from './placement.ts';
import { shownBy } from './showing-graph.ts';
import { WireWriter } from './wire.ts';

/** Element types by their number in TensorProto.DataType. */
const dataTypes: Record<DataType, number> = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7, float16: 10 };

/** IR version that came with each operator set: https://github.com/onnx/onnx/blob/main/docs/Versioning.md */
const irVersionOfOpset: Readonly<Record<number, number>> = { 18: 8, 19: 9, 20: 9, 21: 10, 22: 10, 23: 11 };

/** Operator sets that the writer knows. */
export const supportedOpsets: readonly number[] = Object.keys(irVersionOfOpset).map(Number);

/** onnxruntime has never had another version of its operators. */
const otherDomainVersion = 1;

export interface ModelHeader {
  opset: number;
  producerVersion: string;
  /** Shown by Netron and read by `onnxruntime` as custom metadata. */
  metadata: Readonly<Record<string, string>>;
}

/** Encodes a ModelProto; the weights themselves stand where `placements` says. */
export function encodeModel(graph: Graph, header: ModelHeader, placements: ReadonlyMap<string, Placement>): Uint8Array {
  const model = new WireWriter()
    .int(1, irVersionOfOpset[header.opset] as number)
    .string(2, 'crosscheck')
    .string(3, header.producerVersion)
    .string(6, graph.doc)
    .message(7, encodeGraph(graph, placements))
    .message(8, new WireWriter().string(1, '').int(2, header.opset));
  for (const domain of new Set(graph.nodes.flatMap((node) => node.domain ?? [])))
    model.message(8, new WireWriter().string(1, domain).int(2, otherDomainVersion));
  for (const entry of Object.entries(header.metadata)) model.message(14, encodeEntry(entry));
  return model.finish();
}

function encodeGraph(graph: Graph, placements: ReadonlyMap<string, Placement>): WireWriter {
  const message = new WireWriter();
  for (const node of graph.nodes) message.message(1, encodeNode(node));
  message.string(2, graph.name);
  for (const initializer of graph.initializers) {
    message.message(5, encodeInitializer(initializer, placements.get(initializer.name) as Placement));
  }
  message.string(10, graph.doc);
  for (const input of graph.inputs) message.message(11, encodeValueInfo(input));
  for (const output of graph.outputs) message.message(12, encodeValueInfo(output));
  for (const name of shownBy(graph)) message.message(12, encodeShown(name));
  return message;
}

function encodeNode(node: Node): WireWriter {
  const message = new WireWriter();
  for (const input of node.inputs) message.string(1, input);
  for (const output of node.outputs) message.string(2, output);
  message.string(3, node.name).string(4, node.op);
  for (const [name, value] of Object.entries(node.attributes)) message.message(5, encodeAttribute(name, value));
  return node.domain === undefined ? message : message.string(7, node.domain);
}

const attributeTypes = { float: 1, int: 2, string: 3, ints: 7 } as const;

function encodeAttribute(name: string, value: Attribute): WireWriter {
  const message = new WireWriter().string(1, name);
  if (typeof value === 'number') return message.int(3, value).int(20, attributeTypes.int);
  if (typeof value === 'string') return message.string(4, value).int(20, attributeTypes.string);
  if ('float' in value) return message.float(2, value.float).int(20, attributeTypes.float);
  for (const item of value) message.int(8, item);
  return message.int(20, attributeTypes.ints);
}

function encodeInitializer(initializer: Initializer, placement: Placement): WireWriter {
  const message = new WireWriter();
  for (const size of initializer.shape) message.int(1, size);
  message.int(2, dataTypes[initializer.type]).string(8, initializer.name);
  if ('inline' in placement) return message.bytes(9, placement.inline);
  for (const [key, value] of Object.entries(placement)) message.message(13, encodeEntry([key, String(value)]));
  return message.int(14, 1); // data_location = EXTERNAL
}

function encodeValueInfo(value: ValueInfo): WireWriter {
  const message = new WireWriter().string(1, value.name).message(2, encodeTensorType(value.type, value.shape));
  return value.doc === undefined ? message : message.string(3, value.doc);
}

/** A float32 output of any shape. */
function encodeShown(name: string): WireWriter {
  const type = new WireWriter().message(1, new WireWriter().int(1, dataTypes.float32));
  return new WireWriter().string(1, name).message(2, type);
}

function encodeTensorType(type: DataType, shape: readonly Dimension[]): WireWriter {
  const dims = new WireWriter();
  for (const size of shape) {
    dims.message(1, typeof size === 'number' ? new WireWriter().int(1, size) : new WireWriter().string(2, size));
  }
  return new WireWriter().message(1, new WireWriter().int(1, dataTypes[type]).message(2, dims));
}

function encodeEntry([key, value]: [string, string]): WireWriter {
  return new WireWriter().string(1, key).string(2, value);
}
