import type { Architecture, TextArchitecture, VisionArchitecture } from '@crosscheck/contract';
import { type DType, elementCount } from './tensor.ts';
import { type VisionBlock, visionBlocks } from './vision-blocks.ts';

/** One tensor of a checkpoint, under the name and in the layout that PyTorch's `state_dict()` gives it. */
export interface NamedTensor {
  readonly name: string;
  /** PyTorch layout: OIHW kernels, [out, in] linears. */
  readonly shape: readonly number[];
  /** Parameters are trained; buffers are batch-norm statistics and step counts. */
  readonly kind: 'parameter' | 'buffer';
  readonly dtype: Extract<DType, 'F32' | 'I64'>;
}

export const visionPrefix = 'vision_branch.backbone.';
export const textPrefix = 'text_branch.backbone.';

/**
 * Every tensor of a checkpoint in the order of the PyTorch reference's `state_dict()`: torchvision's EfficientNet-B0 names,
 * Hugging Face's DistilBERT names, then the heads.
 */
export function parameterNames(architecture: Architecture): NamedTensor[] {
  const { vision, text, embeddingDim: d, fusionHiddenDim: f } = architecture;
  const half = Math.floor(f / 2);
  return [
    ...prefixed(visionPrefix, visionBackboneNames(vision)),
    ...projection('vision_branch.projection', vision.headChannels, d),
    ...prefixed(textPrefix, textBackboneNames(text)),
    ...projection('text_branch.projection', text.hiddenSize, d),
    ...joinNames[architecture.fusion](d),
    ...linear('fusion.0', joinWidth(architecture), f),
    ...linear('fusion.3', f, half),
    ...linear('fusion.6', half, 1),
    ...(architecture.missingModality === 'learned'
      ? Object.values(absenceNames).map((name) => parameter(name, [d]))
      : []),
  ];
}

/** What brings both projections, [embeddingDim] each, together before `fusion.0`. */
const joinNames: Record<Architecture['fusion'], (d: number) => NamedTensor[]> = {
  concat: () => [],
  gated: (d) => [
    ...linear('fusion.gated.image', d, d),
    ...linear('fusion.gated.text', d, d),
    ...linear('fusion.gated.balance', 2 * d, d),
  ],
  bilinear: (d) => [...linear('fusion.bilinear.image', d, d), ...linear('fusion.bilinear.text', d, d)],
  cross_attention: (d) => ['image', 'text'].flatMap((part) => attention(`fusion.cross_attention.${part}`, d)),
};

/** Size of what `fusion.0` reads. */
export function joinWidth({ fusion, embeddingDim }: Pick<Architecture, 'fusion' | 'embeddingDim'>): number {
  return fusion === 'concat' || fusion === 'cross_attention' ? 2 * embeddingDim : embeddingDim;
}

function attention(name: string, size: number): NamedTensor[] {
  const linears = ['query', 'key', 'value', 'output'].flatMap((part) => linear(`${name}.${part}`, size, size));
  return [...linears, ...layerNorm(`${name}.norm`, size)];
}

/** The vectors that stand for a missing part, in networks that have them: [embeddingDim] in place of the projected features. */
export const absenceNames = { image: 'fusion.no_image', text: 'fusion.no_text' } as const;

/** The tensors of torchvision's `efficientnet_b0().features`, named as there, from `features.0.0.weight` on. */
export function visionBackboneNames(vision: VisionArchitecture): NamedTensor[] {
  const { stemChannels, headChannels, stages } = vision;
  const lastChannels = stages.at(-1)?.channels ?? stemChannels;
  return [
    ...convolution('features.0.0', [stemChannels, 3, 3, 3]),
    ...batchNorm('features.0.1', stemChannels),
    ...visionBlocks(vision).flatMap(blockNames),
    ...convolution(`features.${stages.length + 1}.0`, [headChannels, lastChannels, 1, 1]),
    ...batchNorm(`features.${stages.length + 1}.1`, headChannels),
  ];
}

function blockNames(block: VisionBlock): NamedTensor[] {
  const { names, inputChannels, expandedChannels, squeezeChannels, outputChannels, kernel } = block;
  const { expand } = names;
  const expansion =
    expand === null
      ? []
      : [
          ...convolution(`${expand}.0`, [expandedChannels, inputChannels, 1, 1]),
          ...batchNorm(`${expand}.1`, expandedChannels),
        ];
  const squeezing =
    squeezeChannels === null
      ? []
      : [
          ...biasedConvolution(`${names.squeezeExcite}.fc1`, [squeezeChannels, expandedChannels, 1, 1]),
          ...biasedConvolution(`${names.squeezeExcite}.fc2`, [expandedChannels, squeezeChannels, 1, 1]),
        ];
  return [
    ...expansion,
    ...convolution(`${names.depthwise}.0`, [expandedChannels, 1, kernel, kernel]),
    ...batchNorm(`${names.depthwise}.1`, expandedChannels),
    ...squeezing,
    ...convolution(`${names.project}.0`, [outputChannels, expandedChannels, 1, 1]),
    ...batchNorm(`${names.project}.1`, outputChannels),
  ];
}

/** The tensors of Hugging Face's `DistilBertModel`, named as there, from `embeddings.word_embeddings.weight` on. */
export function textBackboneNames(text: TextArchitecture): NamedTensor[] {
  return [
    parameter('embeddings.word_embeddings.weight', [text.vocabSize, text.hiddenSize]),
    parameter('embeddings.position_embeddings.weight', [text.maxPositions, text.hiddenSize]),
    ...layerNorm('embeddings.LayerNorm', text.hiddenSize),
    ...Array.from({ length: text.layers }, (_, i) => transformerLayer(`transformer.layer.${i}`, text)).flat(),
  ];
}

function transformerLayer(name: string, { hiddenSize: h, feedForwardSize }: TextArchitecture): NamedTensor[] {
  return [
    ...['q_lin', 'k_lin', 'v_lin', 'out_lin'].flatMap((part) => linear(`${name}.attention.${part}`, h, h)),
    ...layerNorm(`${name}.sa_layer_norm`, h),
    ...linear(`${name}.ffn.lin1`, h, feedForwardSize),
    ...linear(`${name}.ffn.lin2`, feedForwardSize, h),
    ...layerNorm(`${name}.output_layer_norm`, h),
  ];
}

/** Linear, ReLU, Dropout, Linear: the two linears stand at 0 and 3. */
function projection(name: string, input: number, output: number): NamedTensor[] {
  return [...linear(`${name}.0`, input, output), ...linear(`${name}.3`, output, output)];
}

function parameter(name: string, shape: readonly number[]): NamedTensor {
  return { name, shape, kind: 'parameter', dtype: 'F32' };
}

function linear(name: string, input: number, output: number): NamedTensor[] {
  return [parameter(`${name}.weight`, [output, input]), parameter(`${name}.bias`, [output])];
}

function layerNorm(name: string, size: number): NamedTensor[] {
  return [parameter(`${name}.weight`, [size]), parameter(`${name}.bias`, [size])];
}

function convolution(name: string, oihw: readonly number[]): NamedTensor[] {
  return [parameter(`${name}.weight`, oihw)];
}

function biasedConvolution(name: string, oihw: readonly [number, ...number[]]): NamedTensor[] {
  return [parameter(`${name}.weight`, oihw), parameter(`${name}.bias`, [oihw[0]])];
}

function batchNorm(name: string, channels: number): NamedTensor[] {
  return [
    ...layerNorm(name, channels),
    { name: `${name}.running_mean`, shape: [channels], kind: 'buffer', dtype: 'F32' },
    { name: `${name}.running_var`, shape: [channels], kind: 'buffer', dtype: 'F32' },
    { name: `${name}.num_batches_tracked`, shape: [], kind: 'buffer', dtype: 'I64' },
  ];
}

function prefixed(prefix: string, tensors: NamedTensor[]): NamedTensor[] {
  return tensors.map((tensor) => ({ ...tensor, name: prefix + tensor.name }));
}

/** Elements of all parameters (buffers apart): 72,240,765 for the default architecture. */
export function totalParameters(tensors: readonly NamedTensor[]): number {
  return tensors.filter(({ kind }) => kind === 'parameter').reduce((sum, { shape }) => sum + elementCount(shape), 0);
}
