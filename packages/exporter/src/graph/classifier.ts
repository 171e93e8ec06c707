import type { Architecture, Artifact, Operators, Preprocessing } from '@crosscheck/contract';
import { describeBackbones, onnxNames } from '@crosscheck/contract';
import {
  type Graph,
  GraphBuilder,
  maskedScore,
  type OnnxContext,
  type OnnxInputs,
  type OnnxValue,
  onlyFirstToken,
  valuesOf,
  type WeightSource,
  wholeNetwork,
} from '@crosscheck/network';
import { foldNorms } from './fold-norms.ts';

export interface NetworkOptions {
  architecture: Architecture;
  preprocessing: Preprocessing;
  weights: WeightSource;
  opset: number;
  /** @default 'standard' */
  operators?: Operators;
  /** int8 is made of the vision network's plain operators. @default 'fp32' */
  precision?: Artifact['precision'];
}

/** The whole network as an ONNX graph: image, input_ids, attention_mask → logits, with dynamic batch and length. */
export function buildClassifierGraph(options: NetworkOptions): Graph {
  const { architecture, preprocessing, weights, opset, operators, precision } = options;
  const graph = new GraphBuilder();
  const isFused = operators === 'onnxruntime';
  const mayFuse = (path: string) => isFused && (precision !== 'int8' || !path.startsWith('vision/'));
  const inputs = openInputs(graph, architecture);
  const context: OnnxContext = { graph, weights, opset, mayFuse, inputs };
  const network = onlyFirstToken(foldNorms(wholeNetwork(architecture, { imageSize: preprocessing.imageSize })));
  const written = new Map<number, OnnxValue>();
  for (const { id, layer, options: given, inputs: from } of valuesOf(network)) {
    const values = from.map((input) => written.get(input.id) as OnnxValue);
    const shapes = from.map(({ shape }) => shape);
    written.set(id, layer.onnx(context, { options: given as never, inputs: values, shapes }));
  }
  graph.asOutput(written.get(network.id) as OnnxValue, onnxNames.logits);
  return graph.finish(describe(architecture, preprocessing));
}

/** The graph's inputs, and what is made of them before layers read it: each once, and only if one does. */
function openInputs(graph: GraphBuilder, { missingModality }: Architecture): OnnxInputs {
  const absent = missingModality === 'learned' ? findAbsent(graph) : null;
  const { inputIds, attentionMask } = onnxNames;
  return {
    absent,
    inputIds,
    attentionMask,
    image: absent ? blankImages(graph, absent.image) : onnxNames.image,
    get maskBias() {
      return maskBias(graph);
    },
    get keep() {
      return graph.once('Cast', 'text/keep', [attentionMask], { to: 6 });
    },
  };
}

/** 0 on tokens, −1e9 on padding: [B, 1, 1, L]. */
function maskBias(graph: GraphBuilder): OnnxValue {
  const path = 'text/mask';
  let mask = graph.once('Cast', path, [onnxNames.attentionMask], { to: 1 });
  mask = graph.once('Sub', path, [mask, graph.float(1)]);
  mask = graph.once('Mul', path, [mask, graph.float(maskedScore)]);
  return graph.once('Unsqueeze', path, [mask, graph.ints(1, 2)]);
}

/**
 * Whether each post lacks its parts: image [B, 1, 1, 1] and text [B, 1], bool. An image that is NaN and an attention mask without any token say so.
 */
function findAbsent(graph: GraphBuilder): NonNullable<OnnxInputs['absent']> {
  const corner = [onnxNames.image, graph.ints(0, 0, 0), graph.ints(1, 1, 1), graph.ints(1, 2, 3)];
  const pixel = graph.node('Slice', 'vision/absent', corner); // [B, 1, 1, 1]
  const tokens = graph.node('ReduceMax', 'text/absent', [onnxNames.attentionMask, graph.ints(1)], { keepdims: 1 }); // [B, 1]
  return {
    image: graph.node('IsNaN', 'vision/absent', [pixel]), // [B, 1, 1, 1]
    text: graph.node('Equal', 'text/absent', [tokens, graph.int(0)]), // [B, 1]
  };
}

/** Zeros for images that are not there: one NaN in a batch would spoil the scale that int8 layers choose for all of it. */
const blankImages = (graph: GraphBuilder, absent: OnnxValue): OnnxValue =>
  graph.node('Where', 'vision/absent', [absent, graph.float(0), onnxNames.image]); // [B, 3, S, S]

function describe(architecture: Architecture, { imageSize, maxTokens }: Preprocessing) {
  const isOptional = architecture.missingModality === 'learned';
  const image = { name: onnxNames.image, type: 'float32', shape: ['batch', 3, imageSize, imageSize] } as const;
  return {
    name: 'crosscheck',
    doc: `Is a news post FAKE? ${describeBackbones(architecture)}, fusion ${architecture.fusion}. probability of FAKE = sigmoid(logit / temperature).`,
    inputs: [
      {
        ...image,
        doc: `RGB, scaled to [0, 1], then normalised per channel with mean and std of the metadata${isOptional ? '; NaN: no picture' : ''}`,
      },
      {
        name: onnxNames.inputIds,
        type: 'int64' as const,
        shape: ['batch', 'tokens'],
        doc: `WordPiece ids, [CLS] … [SEP], right-padded, at most ${maxTokens}`,
      },
      {
        name: onnxNames.attentionMask,
        type: 'int64' as const,
        shape: ['batch', 'tokens'],
        doc: `1 on tokens, 0 on padding${isOptional ? '; 0 everywhere: no words' : ''}`,
      },
    ],
    outputs: [
      {
        name: onnxNames.logits,
        type: 'float32' as const,
        shape: ['batch', 1],
        doc: 'one logit per post; above 0 leans to FAKE',
      },
    ],
  };
}
