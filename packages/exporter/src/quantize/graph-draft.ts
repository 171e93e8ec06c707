import type { DataType, Graph, Initializer, Node, Values } from '@crosscheck/network';

/** A graph that is being rewritten: nodes are added in order, constants that no node reads any more are dropped. */
export class GraphDraft {
  readonly #graph: Graph;
  readonly #constants: Map<string, Initializer>;
  readonly #nodes: Node[] = [];

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#constants = new Map(graph.initializers.map((initializer) => [initializer.name, initializer]));
  }

  /** The float32 constant of this name, if there is one. */
  weight(name: string | undefined): FloatConstant | null {
    const found = this.#constants.get(name ?? '');
    return found?.type === 'float32' ? (found as FloatConstant) : null;
  }

  /** Whether a node that gives this value was added. */
  has(value: string): boolean {
    return this.#nodes.some(({ outputs }) => outputs.includes(value));
  }

  copy(node: Node, changes: Partial<Node> = {}): void {
    this.#nodes.push({ ...node, ...changes });
  }

  /** Adds a node, named by its first output, and returns that. */
  add(op: string, inputs: readonly string[], outputs: readonly string[], attributes: Node['attributes'] = {}): string {
    const [value] = outputs as [string];
    this.#nodes.push({ op, name: `${value}/${op}`, inputs, outputs, attributes });
    return value;
  }

  /** The same in onnxruntime's own operators. */
  addFused(op: string, inputs: readonly string[], output: string, attributes: Node['attributes']): string {
    this.#nodes.push({ op, domain: 'com.microsoft', name: `${output}/${op}`, inputs, outputs: [output], attributes });
    return output;
  }

  /** Adds a constant, or finds the one that has this name already. */
  constant(name: string, type: DataType, shape: readonly number[], read: () => Values | Promise<Values>): string {
    if (!this.#constants.has(name)) this.#constants.set(name, { name, type, shape, read: async () => read() });
    return name;
  }

  finish(): Graph {
    const read = new Set(this.#nodes.flatMap(({ inputs }) => inputs));
    const initializers = [...this.#constants.values()].filter(({ name }) => read.has(name));
    return { ...this.#graph, nodes: this.#nodes, initializers };
  }
}

export interface FloatConstant extends Initializer {
  type: 'float32';
  read: () => Promise<Float32Array>;
}
