import { CrosscheckError, type TextArchitecture, type VisionArchitecture } from '@crosscheck/contract';
import {
  type NamedTensor,
  textBackboneNames,
  textPrefix,
  visionBackboneNames,
  visionPrefix,
} from '@crosscheck/network';
import { checkTensors } from './mismatch.ts';
import { type NamingScheme, textSchemes, visionSchemes } from './naming-schemes.ts';
import { type TensorFile, type TensorInfo, tensorInfo } from './tensor-file.ts';

interface Backbone {
  readonly what: string;
  readonly prefix: string;
  /** Without the prefix, in our order. */
  readonly names: readonly NamedTensor[];
  readonly schemes: readonly NamingScheme[];
}

/**
 * Views a file of EfficientNet-B0 weights under the checkpoint's names (`vision_branch.backbone.features.…`): torchvision's and
 * timm's state dicts, with or without a classifier, or a whole Crosscheck checkpoint. Nothing is read yet; closing the view closes the file.
 *
 * @throws CROSSCHECK_WEIGHTS_MISMATCH naming every missing, unexpected and misshapen tensor
 */
export function viewVisionBackbone(file: TensorFile, vision: VisionArchitecture): TensorFile {
  return viewBackbone(file, {
    what: 'the vision backbone (EfficientNet-B0)',
    prefix: visionPrefix,
    names: visionBackboneNames(vision),
    schemes: visionSchemes(vision),
  });
}

/**
 * Views a file of DistilBERT weights under the checkpoint's names (`text_branch.backbone.…`): Hugging Face's `DistilBertModel`,
 * a task model around it, or a whole Crosscheck checkpoint. Nothing is read yet; closing the view closes the file.
 *
 * @throws CROSSCHECK_WEIGHTS_MISMATCH naming every missing, unexpected and misshapen tensor
 */
export function viewTextBackbone(file: TensorFile, text: TextArchitecture): TensorFile {
  return viewBackbone(file, {
    what: 'the text backbone (DistilBERT)',
    prefix: textPrefix,
    names: textBackboneNames(text),
    schemes: textSchemes(),
  });
}

function viewBackbone(file: TensorFile, backbone: Backbone): TensorFile {
  const { theirName, isIgnored } = findScheme(file, backbone);
  const theirs = backbone.names.map((tensor) => ({ ...tensor, name: theirName(tensor.name) }));
  checkTensors(file, theirs, { what: backbone.what, isIgnored });
  return renameTensors(file, new Map(backbone.names.map(({ name }) => [backbone.prefix + name, theirName(name)])));
}

/** The scheme that finds the most of its names in the file. */
function findScheme(file: TensorFile, { what, names, schemes }: Backbone): NamingScheme {
  const found = schemes.map(({ theirName }) => names.filter(({ name }) => file.tensors.has(theirName(name))).length);
  const most = Math.max(...found);
  const scheme = schemes[found.indexOf(most)];
  if (scheme && most > 0) return scheme;
  const accepted = schemes
    .map(({ library, theirName }) => `${theirName(names[0]?.name ?? '')} (${library})`)
    .join(', ');
  const got = [...file.tensors.keys()].slice(0, 3).join(', ') || 'nothing';
  throw new CrosscheckError(
    'CROSSCHECK_WEIGHTS_MISMATCH',
    `${file.path} holds no weights of ${what}: expected names such as ${accepted}, got ${file.tensors.size} tensors: ${got}, …`,
  );
}

/** @param names ours → the file's; those that the file lacks are left out */
function renameTensors(file: TensorFile, names: ReadonlyMap<string, string>): TensorFile {
  const tensors = new Map<string, TensorInfo>();
  for (const [name, theirs] of names) {
    const info = file.tensors.get(theirs);
    if (info) tensors.set(name, { ...info, name });
  }
  return {
    path: file.path,
    tensors,
    read: async (name) => file.read(names.get(tensorInfo({ path: file.path, tensors }, name).name) ?? name),
    close: () => file.close(),
  };
}
