import type { Architecture } from '@crosscheck/contract';
import { type Freeze, isFrozen, nothingFrozen } from './freeze.ts';
import { absenceNames, type NamedTensor, parameterNames, totalParameters } from './parameter-names.ts';
import { elementCount } from './tensor.ts';
import { visionBlocks } from './vision-blocks.ts';

export interface ParameterCount {
  total: number;
  trainable: number;
}

/** Elements of all parameters, and of those that learn when `freeze` holds; running statistics are not counted. */
export function countParameters(
  { architecture }: { architecture: Architecture },
  freeze: Freeze = nothingFrozen,
): ParameterCount {
  const tensors = parameterNames(architecture);
  return {
    total: totalParameters(tensors),
    trainable: totalParameters(tensors.filter(({ name }) => !isFrozen(name, freeze))),
  };
}

/** One row of a model's summary. */
export interface SummaryRow {
  /** Name of the PyTorch module. */
  name: string;
  /** B samples, L tokens, R regions of a picture. */
  outputShape: (number | 'B' | 'L' | 'R')[];
  parameters: number;
}

/** The network as a table, one row per stage or layer, without building it. */
export function summarise(architecture: Architecture, imageSize = 224): SummaryRow[] {
  const tensors = parameterNames(architecture);
  const row = ([name, outputShape]: Shaped): SummaryRow => ({
    name,
    outputShape,
    parameters: countUnder(tensors, name),
  });
  return [...visionShapes(architecture, imageSize), ...textShapes(architecture), ...headShapes(architecture)].map(row);
}

type Shaped = [name: string, shape: SummaryRow['outputShape']];

function visionShapes({ vision, embeddingDim }: Architecture, imageSize: number): Shaped[] {
  const name = (index: number) => `vision_branch.backbone.features.${index}`;
  let side = Math.ceil(imageSize / 2);
  const stages = visionBlocks(vision).map(({ stage, stride, outputChannels }): Shaped => {
    side = Math.ceil(side / stride);
    return [name(stage + 1), ['B', side, side, outputChannels]];
  });
  const firstSide = Math.ceil(imageSize / 2);
  return [
    [name(0), ['B', firstSide, firstSide, vision.stemChannels]],
    ...new Map(stages), // the last block of a stage has its shape
    [name(vision.stages.length + 1), ['B', side, side, vision.headChannels]],
    ['vision_branch.projection', ['B', embeddingDim]],
  ];
}

function textShapes({ text, embeddingDim }: Architecture): Shaped[] {
  const layers = Array.from({ length: text.layers }, (_, i) => `transformer.layer.${i}`);
  return [
    ...['embeddings', ...layers].map((part): Shaped => [`text_branch.backbone.${part}`, ['B', 'L', text.hiddenSize]]),
    ['text_branch.projection', ['B', embeddingDim]],
  ];
}

/** What every way of fusion adds between the projections and the classifier; R regions stand for the tokens of a picture. */
const joinShapes: Record<Architecture['fusion'], (e: number) => Shaped[]> = {
  concat: () => [],
  gated: (e) => ['image', 'text', 'balance'].map((part) => [`fusion.gated.${part}`, ['B', e]]),
  bilinear: (e) => ['image', 'text'].map((part) => [`fusion.bilinear.${part}`, ['B', e]]),
  cross_attention: (e) => [
    ['fusion.cross_attention.image', ['B', 'R', e]],
    ['fusion.cross_attention.text', ['B', 'L', e]],
  ],
};

function headShapes({ fusion, fusionHiddenDim: f, embeddingDim: e, missingModality }: Architecture): Shaped[] {
  const absences = missingModality === 'learned' ? Object.values(absenceNames) : [];
  return [
    ...absences.map((name): Shaped => [name, [e]]),
    ...joinShapes[fusion](e),
    ['fusion.0', ['B', f]],
    ['fusion.3', ['B', Math.floor(f / 2)]],
    ['fusion.6', ['B', 1]],
  ];
}

function countUnder(tensors: NamedTensor[], name: string): number {
  const under = tensors.filter((tensor) => tensor.kind === 'parameter' && `${tensor.name}.`.startsWith(`${name}.`));
  return under.reduce((sum, { shape }) => sum + elementCount(shape), 0);
}

/** The summary as text: name, output shape, parameters, and what learns. */
export function summary(
  model: { architecture: Architecture },
  freeze: Freeze = nothingFrozen,
  imageSize = 224,
): string {
  const count = (n: number) => n.toLocaleString('en-US');
  const rows = summarise(model.architecture, imageSize).map(({ name, outputShape, parameters }) => [
    name,
    `[${outputShape.join(', ')}]`,
    count(parameters),
  ]);
  const table = [['module', 'output', 'parameters'], ...rows] as [string, string, string][];
  const widths = [0, 1, 2].map((column) => Math.max(...table.map((cells) => cells[column]?.length ?? 0)));
  const lines = table.map(([name, shape, parameters]) =>
    [name.padEnd(widths[0] ?? 0), shape.padEnd(widths[1] ?? 0), parameters.padStart(widths[2] ?? 0)].join('  '),
  );
  const { total, trainable } = countParameters(model, freeze);
  return [...lines, `${count(total)} parameters, ${count(trainable)} trainable`].join('\n');
}
