import type { Architecture, TextArchitecture, VisionArchitecture } from '@crosscheck/contract';

type Shapes = Map<string, readonly number[]>;

/**
 * Every tensor that the graph reads from a checkpoint, with its shape: parameters and batch-norm statistics, by the PyTorch
 * reference's names. (`num_batches_tracked` is not needed.)
 */
export function parameterShapes(architecture: Architecture): Shapes {
  const shapes: Shapes = new Map();
  visionShapes(shapes, architecture.vision);
  textShapes(shapes, architecture.text);
  const { embeddingDim, fusionHiddenDim } = architecture;
  projectionShapes(shapes, 'vision_branch.projection', architecture.vision.headChannels, embeddingDim);
  projectionShapes(shapes, 'text_branch.projection', architecture.text.hiddenSize, embeddingDim);
  linear(shapes, 'fusion.0', 2 * embeddingDim, fusionHiddenDim);
  linear(shapes, 'fusion.3', fusionHiddenDim, Math.floor(fusionHiddenDim / 2));
  linear(shapes, 'fusion.6', Math.floor(fusionHiddenDim / 2), 1);
  return shapes;
}

function linear(shapes: Shapes, name: string, from: number, to: number): void {
  shapes.set(`${name}.weight`, [to, from]).set(`${name}.bias`, [to]);
}

function projectionShapes(shapes: Shapes, name: string, from: number, to: number): void {
  linear(shapes, `${name}.0`, from, to);
  linear(shapes, `${name}.3`, to, to);
}

function convNorm(shapes: Shapes, name: string, kernel: readonly number[]): void {
  shapes.set(`${name}.0.weight`, kernel);
  for (const part of ['weight', 'bias', 'running_mean', 'running_var'])
    shapes.set(`${name}.1.${part}`, [kernel[0] as number]);
}

function visionShapes(shapes: Shapes, { stemChannels, stages, headChannels }: VisionArchitecture): void {
  const features = 'vision_branch.backbone.features';
  convNorm(shapes, `${features}.0`, [stemChannels, 3, 3, 3]);
  let input = stemChannels;
  stages.forEach((stage, index) => {
    for (let repeat = 0; repeat < stage.repeats; repeat++) {
      mbConvShapes(shapes, `${features}.${index + 1}.${repeat}.block`, { ...stage, input });
      input = stage.channels;
    }
  });
  convNorm(shapes, `${features}.${stages.length + 1}`, [headChannels, input, 1, 1]);
}

function mbConvShapes(
  shapes: Shapes,
  name: string,
  { input, expand, channels, kernel }: { input: number; expand: number; channels: number; kernel: number },
): void {
  const expanded = expand === 1 ? input : divisibleByEight(input * expand);
  const squeezed = Math.max(1, Math.floor(input / 4));
  let index = 0;
  if (expanded !== input) convNorm(shapes, `${name}.${index++}`, [expanded, input, 1, 1]);
  convNorm(shapes, `${name}.${index++}`, [expanded, 1, kernel, kernel]);
  const gate = `${name}.${index++}`;
  shapes.set(`${gate}.fc1.weight`, [squeezed, expanded, 1, 1]).set(`${gate}.fc1.bias`, [squeezed]);
  shapes.set(`${gate}.fc2.weight`, [expanded, squeezed, 1, 1]).set(`${gate}.fc2.bias`, [expanded]);
  convNorm(shapes, `${name}.${index}`, [channels, expanded, 1, 1]);
}

/** torchvision's `_make_divisible`: nearest multiple of 8, never more than 10 % below. */
function divisibleByEight(channels: number): number {
  const rounded = Math.max(8, Math.floor((channels + 4) / 8) * 8);
  return rounded < 0.9 * channels ? rounded + 8 : rounded;
}

function textShapes(shapes: Shapes, architecture: TextArchitecture): void {
  const { hiddenSize, feedForwardSize } = architecture;
  const backbone = 'text_branch.backbone';
  const norm = (name: string) => shapes.set(`${name}.weight`, [hiddenSize]).set(`${name}.bias`, [hiddenSize]);
  shapes.set(`${backbone}.embeddings.word_embeddings.weight`, [architecture.vocabSize, hiddenSize]);
  shapes.set(`${backbone}.embeddings.position_embeddings.weight`, [architecture.maxPositions, hiddenSize]);
  norm(`${backbone}.embeddings.LayerNorm`);
  for (let layer = 0; layer < architecture.layers; layer++) {
    const name = `${backbone}.transformer.layer.${layer}`;
    for (const part of ['q_lin', 'k_lin', 'v_lin', 'out_lin'])
      linear(shapes, `${name}.attention.${part}`, hiddenSize, hiddenSize);
    norm(`${name}.sa_layer_norm`);
    linear(shapes, `${name}.ffn.lin1`, hiddenSize, feedForwardSize);
    linear(shapes, `${name}.ffn.lin2`, feedForwardSize, hiddenSize);
    norm(`${name}.output_layer_norm`);
  }
}
