// What a file of weights holds, by the names and shapes of its tensors, for people whose config says otherwise.
import { type TextArchitecture, type VisionBackbone, visionBackbones } from '@crosscheck/contract';
import { type NamedTensor, visionArchitectureOf, visionBackboneNames } from '@crosscheck/network';
import type { TensorFile } from '../tensor-file.ts';
import { type NamingScheme, textSchemes, visionSchemes } from './naming-schemes.ts';

type Tensors = Pick<TensorFile, 'tensors'>;

const baseline = visionArchitectureOf('efficientnet_b0');
const stem = 'features.0.0.weight';

/** The library whose names the vision weights of a file have; null when it holds none. */
export function visionLibraryOf({ tensors }: Tensors): string | null {
  return visionSchemes(baseline).find(({ theirName }) => tensors.has(theirName(stem)))?.library ?? null;
}

/** The published vision backbone whose every tensor a file holds; null when there is none. */
export function visionBackboneOf(file: Tensors): VisionBackbone | null {
  if (visionLibraryOf(file) === null) return null;
  return visionBackbones.find((backbone) => holdsBackbone(file, backbone)) ?? null;
}

/** Of networks with the same blocks and fewer of them, a file of the deeper one holds every tensor too: it must hold no more. */
function holdsBackbone(file: Tensors, backbone: VisionBackbone): boolean {
  const architecture = visionArchitectureOf(backbone);
  const names = visionBackboneNames(architecture);
  return visionSchemes(architecture).some(
    (scheme) => holdsAll(file, names, scheme) && holdsNoMore(file, names, scheme),
  );
}

function holdsAll({ tensors }: Tensors, names: readonly NamedTensor[], { theirName }: NamingScheme): boolean {
  return names.every(({ name, shape, dtype }) => {
    const info = tensors.get(theirName(name));
    return info === undefined ? dtype === 'I64' : info.shape.join() === shape.join();
  });
}

function holdsNoMore(
  { tensors }: Tensors,
  names: readonly NamedTensor[],
  { theirName, isIgnored }: NamingScheme,
): boolean {
  const known = new Set(names.map(({ name }) => theirName(name)));
  return [...tensors.keys()].every((name) => known.has(name) || isIgnored(name));
}

type TextSizes = Omit<TextArchitecture, 'heads' | 'layerNormEpsilon' | 'pooling'>;

/** The sizes of the text backbone in a file, all but its heads, which no shape tells; null when it holds none. */
export function textSizesOf({ tensors }: Tensors): TextSizes | null {
  for (const { theirName } of textSchemes()) {
    const shapeOf = (name: string) => tensors.get(theirName(name))?.shape;
    const [vocabSize, hiddenSize] = shapeOf('embeddings.word_embeddings.weight') ?? [];
    const [maxPositions] = shapeOf('embeddings.position_embeddings.weight') ?? [];
    const [feedForwardSize] = shapeOf('transformer.layer.0.ffn.lin1.weight') ?? [];
    let layers = 0;
    while (shapeOf(`transformer.layer.${layers}.ffn.lin1.weight`)) layers++;
    if (vocabSize && hiddenSize && maxPositions && feedForwardSize)
      return { vocabSize, maxPositions, hiddenSize, layers, feedForwardSize };
  }
  return null;
}

const describeText = ({ layers, hiddenSize, feedForwardSize, vocabSize, maxPositions }: TextSizes): string =>
  `a text backbone of ${layers} layers of ${hiddenSize} (feed-forward ${feedForwardSize}, vocabulary ${vocabSize}, ${maxPositions} positions)`;

/** A file that holds one backbone and nothing else: what it is, and the key that takes it; null for any other. */
export function loneBackboneOf(file: Tensors): { what: string; key: string } | null {
  const [library, text] = [visionLibraryOf(file), textSizesOf(file)];
  const isMore = [...file.tensors.keys()].some((name) => /^fusion\.|_branch\.projection\./.test(name));
  if (isMore || (library === null) === (text === null)) return null;
  if (text !== null) return { what: describeText(text), key: 'model.text.weights' };
  const backbone = visionBackboneOf(file) ?? 'an EfficientNet';
  return { what: `the vision backbone alone (${backbone}, ${library}'s names)`, key: 'model.vision.weights' };
}

/** What to do when a file does not fit `model.vision`; null when it looks like nothing that is known. */
export function adviseVision(file: Tensors): string | null {
  const backbone = visionBackboneOf(file);
  if (backbone !== null)
    return `The file looks like ${backbone} with ${visionLibraryOf(file)}'s names: set model.vision.backbone=${backbone}, and leave the sizes under model.vision out`;
  const text = visionLibraryOf(file) === null ? textSizesOf(file) : null;
  return (
    text &&
    `The file looks like ${describeText(text)}: set model.text.weights to it, and model.vision.weights to a file of an EfficientNet`
  );
}

/** The same for `model.text`. */
export function adviseText(file: Tensors, expected: TextSizes): string | null {
  const text = textSizesOf(file);
  if (text !== null && Object.entries(text).every(([key, size]) => expected[key as keyof TextSizes] === size))
    return null;
  if (text !== null)
    return `The file looks like ${describeText(text)}: set model.text.pretrained_model to the Hub id or the folder with its config.json, and leave the sizes under model.text out`;
  const vision = visionBackboneOf(file);
  return (
    vision && `The file looks like ${vision}: set model.vision.weights to it, and model.text.weights to one of a BERT`
  );
}

/** The same for a whole checkpoint, by what it holds and by what the network wants. */
export function adviseCheckpoint(file: Tensors, expected: Tensors): string | null {
  const [vision, text] = [visionBackboneOf(file), textSizesOf(file)];
  const isOtherText = text !== null && JSON.stringify(text) !== JSON.stringify(textSizesOf(expected));
  const remedies = [
    ...(vision !== null && vision !== visionBackboneOf(expected) ? [`model.vision.backbone=${vision}`] : []),
    ...(isOtherText ? [`model.text.pretrained_model to ${describeText(text)}`] : []),
  ];
  return remedies.length === 0 ? null : `By its tensors it needs other backbones: set ${remedies.join(', and ')}`;
}
