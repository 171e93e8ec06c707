import type { ForwardOps } from '../graph/ops.ts';
import { parameter } from '../graph/tensors.ts';
import { apply, type Layer, type Value } from '../graph/value.ts';
import { weight } from '../onnx/context.ts';

interface EmbeddingOptions {
  /** Of `<name>.word_embeddings.weight` [V, H] and `<name>.position_embeddings.weight` [P, H]. */
  name: string;
  path: string;
  vocabulary: number;
  positions: number;
  width: number;
}

const words = ({ name }: EmbeddingOptions) => `${name}.word_embeddings.weight`;
const places = ({ name }: EmbeddingOptions) => `${name}.position_embeddings.weight`;

const layer: Layer<EmbeddingOptions> = {
  parameters: (options) => {
    const { vocabulary, positions, width } = options;
    return [
      parameter(words(options), [vocabulary, width], { initial: { rule: 'padded', deviation: 0.02 } }),
      parameter(places(options), [positions, width], { initial: { rule: 'normal', deviation: 0.02 } }),
    ];
  },
  shape: ({ width }) => ['B', 'L', width],
  forward: (ops, { options }) => ({ y: ops.add(...rows(ops, options)) }),
  backward(ops, { options, dy }) {
    const { ids, positions } = ops.tokens;
    ops.learn(words(options), () => ops.scatterRows(dy, ids, options.vocabulary));
    ops.learn(places(options), () => ops.scatterRows(dy, positions, options.positions));
    return [];
  },
  onnx(context, { options }) {
    const { graph, inputs } = context;
    const { path } = options;
    const ofWords = graph.node('Gather', `${path}/words`, [weight(context, words(options)), inputs.inputIds]); // [B, L, H]
    const length = graph.node('Shape', `${path}/length`, [inputs.inputIds], { start: 1, end: 2 }); // [1]
    const table = weight(context, places(options));
    const ofPlaces = graph.node('Slice', `${path}/positions`, [table, graph.ints(0), length, graph.ints(0)]); // [L, H]
    return graph.node('Add', path, [ofWords, ofPlaces]); // [B, L, H]
  },
};

const rows = (ops: ForwardOps, options: EmbeddingOptions) =>
  [
    ops.gatherRows(ops.weight(words(options)), ops.tokens.ids),
    ops.gatherRows(ops.weight(places(options)), ops.tokens.positions),
  ] as const; // [T, H] each

/** The batch's tokens as features: that of the token itself and that of its place, [B, L, H]. */
export const embedding = (options: EmbeddingOptions): Value => apply(layer, options, []);
