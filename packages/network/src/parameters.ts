import type { Architecture, TextArchitecture, VisionArchitecture } from '@crosscheck/contract';
import { bert, textPrefix } from './bert.ts';
import { efficientNet, visionPrefix } from './efficientnet.ts';
import { type Freeze, isFrozen, nothingFrozen } from './freeze.ts';
import type { Parameter } from './graph/tensors.ts';
import { type Value, valuesOf } from './graph/value.ts';
import { input } from './layers/input.ts';
import { absenceNames, classifier, givenFeatures, imageFeatures, noDropout, textFeatures } from './network.ts';
import { elementCount, type NamedTensor } from './tensor.ts';

const parametersOf = (...outputs: Value[]): Parameter[] => valuesOf(...outputs).flatMap(({ parameters }) => parameters);

const isOfBranch =
  (branch: 'vision' | 'text') =>
  ({ name }: NamedTensor) =>
    name.startsWith(`${branch}_branch.`);
const isAbsence = ({ name }: NamedTensor) => Object.values<string>(absenceNames).includes(name);

/**
 * Every tensor of a checkpoint in the order of the PyTorch reference's `state_dict()`: torchvision's names of EfficientNet and its projection,
 * Hugging Face's of DistilBERT and its projection, then fusion and classifier.
 */
export function parameterNames(architecture: Architecture): Parameter[] {
  const image = imageFeatures(architecture, noDropout, 224);
  const text = textFeatures(architecture, noDropout);
  const heads = parametersOf(classifier(architecture, noDropout, givenFeatures(architecture, image.shape)));
  const [vision, words] = [isOfBranch('vision'), isOfBranch('text')];
  return [
    ...parametersOf(image),
    ...heads.filter(vision),
    ...parametersOf(text),
    ...heads.filter(words),
    ...heads.filter((tensor) => !vision(tensor) && !words(tensor) && !isAbsence(tensor)),
    ...heads.filter(isAbsence),
  ];
}

const withoutPrefix = (prefix: string, tensors: Parameter[]): Parameter[] =>
  tensors.map((tensor) => ({ ...tensor, name: tensor.name.slice(prefix.length) }));

/** The tensors of torchvision's `efficientnet_b0().features`, named as there, from `features.0.0.weight` on. */
export const visionBackboneNames = (vision: VisionArchitecture): Parameter[] =>
  withoutPrefix(visionPrefix, parametersOf(efficientNet(input(['B', 224, 224, 3]), { ...vision, stochasticDepth: 0 })));

/** The tensors of Hugging Face's `DistilBertModel`, named as there, from `embeddings.word_embeddings.weight` on. */
export const textBackboneNames = (text: TextArchitecture): Parameter[] =>
  withoutPrefix(textPrefix, parametersOf(bert({ ...text, dropout: 0, attentionDropout: 0 })));

/** Elements of all parameters (buffers apart): 72,240,765 for the default architecture. */
export function totalParameters(tensors: readonly NamedTensor[]): number {
  return tensors.filter(({ kind }) => kind === 'parameter').reduce((sum, { shape }) => sum + elementCount(shape), 0);
}

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
