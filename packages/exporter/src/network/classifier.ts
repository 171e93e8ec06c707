import type { Architecture, Preprocessing } from '@crosscheck/contract';
import { onnxNames } from '@crosscheck/contract';
import type { Value } from '../onnx/graph-builder.ts';
import { GraphBuilder } from '../onnx/graph-builder.ts';
import type { Graph } from '../onnx/types.ts';
import { blankPictures, findAbsent, type Parts, standIn } from './absence.ts';
import { buildTextBackbone, linear2d } from './text.ts';
import { buildVisionBackbone } from './vision.ts';
import type { NetworkContext, WeightSource } from './weights.ts';
import { plainWeight } from './weights.ts';

export interface NetworkOptions {
  architecture: Architecture;
  preprocessing: Preprocessing;
  weights: WeightSource;
  opset: number;
}

/** The whole network as an ONNX graph: image, input_ids, attention_mask → logits, with dynamic batch and length. */
export function buildClassifierGraph({ architecture, preprocessing, weights, opset }: NetworkOptions): Graph {
  const graph = new GraphBuilder();
  const context: NetworkContext = { graph, weights, opset };
  const { imageSize } = preprocessing;
  const absent = architecture.missingModality === 'learned' ? findAbsent(context) : null;
  const image = absent ? blankPictures(context, absent.image) : onnxNames.image; // [B, 3, S, S]
  const vision = buildVisionBackbone(context, { image, imageSize }, architecture.vision); // [B, 1280]
  const text = buildTextBackbone(context, onnxNames, architecture.text); // [B, 768]
  const projected: Parts = {
    image: buildProjection(context, 'vision', vision), // [B, 512]
    text: buildProjection(context, 'text', text), // [B, 512]
  };
  buildFusion(context, absent ? standIn(context, projected, absent) : projected);
  return graph.finish(describe(preprocessing, absent !== null));
}

/** Linear · ReLU · Linear (dropout is the identity here). */
function buildProjection(context: NetworkContext, branch: 'vision' | 'text', features: Value): Value {
  const path = `${branch}/projection`;
  let x = linear2d(context, `${path}.0`, features, { name: `${branch}_branch.projection.0` });
  x = context.graph.node('Relu', path, [x]);
  return linear2d(context, `${path}.3`, x, { name: `${branch}_branch.projection.3` });
}

function buildFusion(context: NetworkContext, { image, text }: Parts): void {
  const { graph } = context;
  let x = graph.node('Concat', 'fusion', [image, text], { axis: 1 }); // [B, 1024]
  x = graph.node('Relu', 'fusion.0', [linear2d(context, 'fusion.0', x, { name: 'fusion.0' })]); // [B, 256]
  x = graph.node('Relu', 'fusion.3', [linear2d(context, 'fusion.3', x, { name: 'fusion.3' })]); // [B, 128]
  const last = [x, plainWeight(context, 'fusion.6.weight'), plainWeight(context, 'fusion.6.bias')];
  graph.named({ op: 'Gemm', name: 'fusion.6/Gemm', output: onnxNames.logits }, last, { transB: 1 }); // [B, 1]
}

function describe({ imageSize, maxTokens }: Preprocessing, isOptional: boolean) {
  const image = { name: onnxNames.image, type: 'float32', shape: ['batch', 3, imageSize, imageSize] } as const;
  return {
    name: 'crosscheck',
    doc: 'Is a news post FAKE? EfficientNet-B0 and DistilBERT, late fusion. probability of FAKE = sigmoid(logit / temperature).',
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
