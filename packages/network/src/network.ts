// The whole network: each part's backbone, its features projected to the same width, both joined and classified (late fusion).
//
// Shapes: B samples, V image features (1280), T text features (768), E embedding (512), F fusion hidden size (256), R regions, L tokens.
import type { Architecture } from '@crosscheck/contract';
import { bert } from './bert.ts';
import { efficientNet } from './efficientnet.ts';
import { bilinear } from './fusion/bilinear.ts';
import { compare } from './fusion/compare.ts';
import { sideBySide } from './fusion/concat.ts';
import { coAttention } from './fusion/cross-attention.ts';
import type { Fusion } from './fusion/fusion.ts';
import { gated } from './fusion/gated.ts';
import type { Shape } from './graph/tensors.ts';
import { stage, type Value } from './graph/value.ts';
import { standIn } from './layers/absence.ts';
import { activation } from './layers/activation.ts';
import { dropout } from './layers/dropout.ts';
import { input } from './layers/input.ts';
import { linear } from './layers/linear.ts';
import { pool, regions } from './layers/pool.ts';
import { firstToken, meanOfTokens, spreadTokens } from './layers/tokens.ts';

/** The ways of fusion, one file each. */
const fusions: Record<Architecture['fusion'], Fusion> = {
  concat: sideBySide,
  gated,
  bilinear,
  cross_attention: coAttention,
  compare,
};

/** Probabilities of dropping; all of them act in training only. */
export interface DropoutRates {
  /** After the first fusion layer; half of it after the second. */
  fusion: number;
  /** Inside both projections. */
  projection: number;
  /** The text backbone's embeddings and feed-forward outputs. */
  text: number;
  /** The text backbone's attention weights. */
  attention: number;
  /** EfficientNet's last residual branch; earlier ones get proportionally less. */
  stochasticDepth: number;
}

export const noDropout: DropoutRates = { fusion: 0, projection: 0, text: 0, attention: 0, stochasticDepth: 0 };

/** The rates of the original: DistilBERT's and EfficientNet's published ones, and 0.3 in the heads. */
export const defaultDropout: DropoutRates = {
  fusion: 0.3,
  projection: 0.3,
  text: 0.1,
  attention: 0.1,
  stochasticDepth: 0.2,
};

/** The vectors that stand for a missing part, in networks that have them: [E] in place of the projected features. */
export const absenceNames = { image: 'fusion.no_image', text: 'fusion.no_text' } as const;

/** Whether the fusion looks at regions and tokens instead of whole images and texts. */
export const readsSequences = ({ fusion }: Pick<Architecture, 'fusion'>): boolean => fusions[fusion].of === 'sequences';

/** What fusion looks at: [B, V], or [B, R, V] of every region. */
export function imageFeatures(architecture: Architecture, rates: DropoutRates, imageSize: number): Value {
  const image = input(['B', imageSize, imageSize, 3], 'image');
  const maps = efficientNet(image, { ...architecture.vision, stochasticDepth: rates.stochasticDepth }); // [B, 7, 7, V]
  return readsSequences(architecture) ? regions(maps, { path: 'vision/regions' }) : pool(maps, { path: 'vision/pool' });
}

/** Tokens → what stands for the text, [B, L, T] → [B, T], in the last layer's scope. */
const poolings: Record<Architecture['text']['pooling'], (tokens: Value, layer: string) => Value> = {
  cls: (tokens, layer) => firstToken(tokens, `${layer}/cls`),
  mean: (tokens, layer) => meanOfTokens(tokens, `${layer}/mean`),
};

/** What fusion looks at: [B, T] of the whole text, or [B, L, T] of every token. */
export function textFeatures(architecture: Architecture, rates: DropoutRates): Value {
  const { layers, pooling } = architecture.text;
  const tokens = bert({ ...architecture.text, dropout: rates.text, attentionDropout: rates.attention }); // [B, L, T]
  return readsSequences(architecture) ? tokens : poolings[pooling](tokens, `text/layer.${layers - 1}`);
}

export interface FeatureValues {
  image: Value;
  text: Value;
}

/** The numbers of a feature, without the axis of samples: [V] or [R, V], and [T] or [L, T]. */
export function featureShapes(architecture: Architecture, imageSize: number): Record<'image' | 'text', Shape> {
  const [image, text] = [imageFeatures(architecture, noDropout, imageSize), textFeatures(architecture, noDropout)];
  return { image: image.shape.slice(1), text: text.shape.slice(1) };
}

/** Features that come from outside, as `imageFeatures` and `textFeatures` make them. */
export function givenFeatures(architecture: Architecture, imageShape: Shape): FeatureValues {
  const { hiddenSize } = architecture.text;
  return {
    image: input(imageShape),
    text: input(readsSequences(architecture) ? ['B', 'L', hiddenSize] : ['B', hiddenSize]),
  };
}

/** Features → logits [B, 1]; sigmoid(logit) is the probability of FAKE. */
export function classifier(architecture: Architecture, rates: DropoutRates, features: FeatureValues): Value {
  const { embeddingDim, fusionHiddenDim, fusion } = architecture;
  const project = (part: 'image' | 'text', branch: 'vision' | 'text') => {
    const projected = projection(features[part], { branch, width: embeddingDim, rate: rates.projection });
    const placed = part === 'text' && readsSequences(architecture) ? spreadTokens(projected) : projected;
    if (architecture.missingModality === 'none') return placed;
    const name = absenceNames[part];
    return stage(name, standIn(placed, { name, part }));
  };
  const image = project('image', 'vision'); // [B, E] or [B, R, E]
  const text = project('text', 'text'); // [B, E] or [B, L, E]
  let x = fusions[fusion].join({ image, text });
  x = hidden(x, { name: 'fusion.0', site: 'fusion.2', outputs: fusionHiddenDim, rate: rates.fusion }); // [B, F]
  x = hidden(x, {
    name: 'fusion.3',
    site: 'fusion.5',
    outputs: Math.floor(fusionHiddenDim / 2),
    rate: rates.fusion / 2,
  }); // [B, F/2]
  return stage('fusion.6', linear(x, { name: 'fusion.6', path: 'fusion.6', outputs: 1 })); // [B, 1]
}

/** Linear, ReLU, Dropout. */
function hidden(
  x: Value,
  { name, site, outputs, rate }: { name: string; site: string; outputs: number; rate: number },
): Value {
  const y = stage(name, linear(x, { name, path: name, outputs }));
  return dropout(activation(y, { function: 'relu', path: name }), { rate, site });
}

/** Linear, ReLU, Dropout, Linear: the linears stand at 0 and 3. Of a sequence every row alike. */
function projection(
  x: Value,
  { branch, width, rate }: { branch: 'vision' | 'text'; width: number; rate: number },
): Value {
  const name = `${branch}_branch.projection`;
  const path = `${branch}/projection`;
  let y = linear(x, { name: `${name}.0`, path: `${path}.0`, outputs: width });
  y = dropout(activation(y, { function: 'relu', path }), { rate, site: `${name}.2` });
  return stage(name, linear(y, { name: `${name}.3`, path: `${path}.3`, outputs: width }));
}

/** From an image and its text to the logit. */
export function wholeNetwork(architecture: Architecture, { imageSize = 224, rates = noDropout } = {}): Value {
  const image = imageFeatures(architecture, rates, imageSize);
  const text = textFeatures(architecture, rates);
  return classifier(architecture, rates, { image, text });
}
