import type { Attribute, Graph, Initializer, Node, ValueInfo } from './types.ts';

/** Name of a value in the graph: an input, an initializer or the output of a node. */
export type OnnxValue = string;

/**
 * Collects nodes and constants under readable paths: node `vision/features.1.0/depthwise/Conv` gives the value of the same name.
 */
export class GraphBuilder {
  readonly #nodes = new Map<string, Node>();
  readonly #initializers = new Map<string, Initializer>();

  /** Adds a node with one output and returns that value. */
  node(
    op: string,
    path: string,
    inputs: readonly OnnxValue[],
    attributes: Readonly<Record<string, Attribute>> = {},
  ): OnnxValue {
    return this.#node({ op, name: `${path}/${op}` }, inputs, attributes);
  }

  /** The same node for everybody who asks for the same. */
  once(
    op: string,
    path: string,
    inputs: readonly OnnxValue[],
    attributes: Readonly<Record<string, Attribute>> = {},
  ): OnnxValue {
    const found = this.#nodes.get(`${path}/${op}`);
    const isSame = found?.inputs.every((input, i) => input === inputs[i]);
    return isSame ? (found?.outputs[0] as OnnxValue) : this.node(op, path, inputs, attributes);
  }

  /** Adds a node of onnxruntime's own operators (https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md). */
  fused(
    op: string,
    path: string,
    inputs: readonly OnnxValue[],
    attributes: Readonly<Record<string, Attribute>> = {},
  ): OnnxValue {
    return this.#node({ op, domain: 'com.microsoft', name: `${path}/${op}` }, inputs, attributes);
  }

  #node(
    id: { op: string; domain?: string; name: string },
    inputs: readonly OnnxValue[],
    attributes: Readonly<Record<string, Attribute>>,
  ): OnnxValue {
    if (this.#nodes.has(id.name)) throw new Error(`two nodes are called ${id.name}`);
    this.#nodes.set(id.name, { ...id, inputs, outputs: [id.name], attributes });
    return id.name;
  }

  /** Gives a value that no node reads the name that it has as an output of the graph. */
  asOutput(value: OnnxValue, name: string): void {
    const node = this.#nodes.get(value);
    if (!node) throw new Error(`no node is called ${value}`);
    this.#nodes.set(value, { ...node, outputs: [name] });
  }

  /** Adds a weight whose values are read when the file is written. */
  weight(name: string, shape: readonly number[], read: () => Promise<Float32Array>): OnnxValue {
    return this.#add({ name, type: 'float32', shape, read });
  }

  /** A small integer constant; equal ones are shared. */
  ints(...values: number[]): OnnxValue {
    const read = async () => BigInt64Array.from(values, BigInt);
    return this.#add({ name: `ints/${values.join('_')}`, type: 'int64', shape: [values.length], read });
  }

  /** A scalar integer constant, which makes Gather drop the axis. */
  int(value: number): OnnxValue {
    return this.#add({
      name: `int/${value}`,
      type: 'int64',
      shape: [],
      read: async () => BigInt64Array.of(BigInt(value)),
    });
  }

  /** A scalar float constant. */
  float(value: number): OnnxValue {
    return this.#add({ name: `float/${value}`, type: 'float32', shape: [], read: async () => Float32Array.of(value) });
  }

  #add(initializer: Initializer): OnnxValue {
    if (!this.#initializers.has(initializer.name)) this.#initializers.set(initializer.name, initializer);
    return initializer.name;
  }

  finish(header: { name: string; doc: string; inputs: ValueInfo[]; outputs: ValueInfo[] }): Graph {
    return { ...header, nodes: [...this.#nodes.values()], initializers: [...this.#initializers.values()] };
  }
}
