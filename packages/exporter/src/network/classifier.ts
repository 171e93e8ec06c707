import type { Architecture, Artifact, Operators, Preprocessing } from '@crosscheck/contract';
import { describeBackbones, onnxNames } from '@crosscheck/contract';
import type { Value } from '../onnx/graph-builder.ts';
import { GraphBuilder } from '../onnx/graph-builder.ts';
import type { Graph } from '../onnx/types.ts';
import { blankPictures, findAbsent, type Parts, standIn } from './absence.ts';
import { type Projected, strategies } from './join.ts';
import { buildTextBackbone, type Linear, linear2d, linear3d } from './text.ts';
import { buildVisionBackbone } from './vision.ts';
import type { NetworkContext, WeightSource } from './weights.ts';
import { plainWeight } from './weights.ts';

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
  const fused = { text: isFused, vision: isFused && precision !== 'int8' };
  const context: NetworkContext = { graph, weights, opset, fused };
  const { imageSize } = preprocessing;
  const absent = architecture.missingModality === 'learned' ? findAbsent(context) : null;
  const image = absent ? blankPictures(context, absent.image) : onnxNames.image; // [B, 3, S, S]
  const isTokenwise = architecture.fusion === 'cross_attention';
  const vision = buildVisionBackbone(
    context,
    { image, imageSize },
    { ...architecture.vision, allRegions: isTokenwise },
  ); // [B, 1280] or [B, R, 1280]
  const { features: text, mask } = buildTextBackbone(context, onnxNames, {
    ...architecture.text,
    allTokens: isTokenwise,
  }); // [B, 768] or [B, L, 768]
  const project = isTokenwise ? linear3d : linear2d;
  const projected: Parts = {
    image: buildProjection(context, 'vision', vision, project), // [B, 512] or [B, R, 512]
    text: buildProjection(context, 'text', text, project), // [B, 512] or [B, L, 512]
  };
  const parts = absent ? standIn(context, projected, absent, isTokenwise ? 3 : 2) : projected;
  buildFusion(context, architecture.fusion, { ...parts, mask, width: architecture.embeddingDim });
  return graph.finish(describe(architecture, preprocessing));
}

/** Linear · ReLU · Linear (dropout is the identity here). */
// oxlint-disable-next-line max-params -- a layer's place, its input and its kind
function buildProjection(context: NetworkContext, branch: 'vision' | 'text', features: Value, linear: Linear): Value {
  const path = `${branch}/projection`;
  let x = linear(context, `${path}.0`, features, { name: `${branch}_branch.projection.0` });
  x = context.graph.node('Relu', path, [x]);
  return linear(context, `${path}.3`, x, { name: `${branch}_branch.projection.3` });
}

function buildFusion(context: NetworkContext, strategy: Architecture['fusion'], parts: Projected): void {
  const { graph } = context;
  let x = strategies[strategy](context, parts); // [B, 1024], or [B, 512] of gated and bilinear
  x = graph.node('Relu', 'fusion.0', [linear2d(context, 'fusion.0', x, { name: 'fusion.0' })]); // [B, 256]
  x = graph.node('Relu', 'fusion.3', [linear2d(context, 'fusion.3', x, { name: 'fusion.3' })]); // [B, 128]
  const last = [x, plainWeight(context, 'fusion.6.weight'), plainWeight(context, 'fusion.6.bias')];
  graph.named({ op: 'Gemm', name: 'fusion.6/Gemm', output: onnxNames.logits }, last, { transB: 1 }); // [B, 1]
}

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
