import { CrosscheckError, type TextArchitecture, type VisionArchitecture } from '@crosscheck/contract';
import {
  type NamedTensor,
  textBackboneNames,
  textPrefix,
  visionBackboneNames,
  visionPrefix,
} from '@crosscheck/network';
import { checkTensors } from '../mismatch.ts';
import { type TensorFile, type TensorInfo, tensorInfo } from '../tensor-file.ts';
import { unwrapNames } from '../unwrap-names.ts';
import { adviseText, adviseVision } from './looks-like.ts';
import { isPositionIds, type NamingScheme, textSchemes, visionSchemes } from './naming-schemes.ts';

/** A backbone's weights under the checkpoint's names. */
export interface BackboneFile extends TensorFile {
  /** Whose names the file has: `torchvision`, `timm`, … */
  readonly library: string;
  /** What of the file is not part of the backbone, and what was changed, for people. */
  readonly notes: readonly string[];
}

interface Backbone {
  readonly what: string;
  readonly prefix: string;
  /** Without the prefix, in our order. */
  readonly names: readonly NamedTensor[];
  readonly schemes: readonly NamingScheme[];
  /** What to do about a file that does not fit. */
  readonly advise: (file: TensorFile) => string | null;
}

/**
 * Views a file of EfficientNet weights under the checkpoint's names (`vision_branch.backbone.features.…`): state dicts of torchvision,
 * timm and efficientnet-pytorch, with or without a classifier, or a whole Crosscheck checkpoint. Nothing is read yet; closing the view
 * closes the file.
 *
 * @throws CROSSCHECK_WEIGHTS_MISMATCH naming every missing, unexpected and misshapen tensor, and the backbone that the file looks like
 */
export function viewVisionBackbone(file: TensorFile, vision: VisionArchitecture): BackboneFile {
  return viewBackbone(file, {
    what: `the vision backbone (${vision.backbone})`,
    prefix: visionPrefix,
    names: visionBackboneNames(vision),
    schemes: visionSchemes(vision),
    advise: adviseVision,
  });
}

/**
 * Views a file of DistilBERT or BERT weights under the checkpoint's names (`text_branch.backbone.…`): Hugging Face's `DistilBertModel`,
 * `BertModel`, a task model around one of them, or a whole Crosscheck checkpoint. BERT's vector of token type 0 becomes part of the
 * positions. Nothing is read yet; closing the view closes the file.
 *
 * @throws CROSSCHECK_WEIGHTS_MISMATCH naming every missing, unexpected and misshapen tensor, and the sizes that the file has
 */
export function viewTextBackbone(file: TensorFile, text: TextArchitecture): BackboneFile {
  return viewBackbone(file, {
    what: `the text backbone (${text.layers} layers of ${text.hiddenSize})`,
    prefix: textPrefix,
    names: textBackboneNames(text),
    schemes: textSchemes(),
    advise: (file) => adviseText(file, text),
  });
}

function viewBackbone(wrapped: TensorFile, backbone: Backbone): BackboneFile {
  const file = unwrapNames(wrapped);
  const scheme = findScheme(file, backbone);
  const { library, theirName, isIgnored, added } = scheme;
  const theirs = backbone.names.map((tensor) => ({ ...tensor, name: theirName(tensor.name) }));
  const extra = added ? [addedTensor(file, added.name, theirs)] : [];
  checkTensors(file, [...theirs, ...extra], { what: backbone.what, isIgnored, advise: () => backbone.advise(file) });
  const names = new Map(backbone.names.map(({ name }) => [backbone.prefix + name, theirName(name)]));
  const view = renameTensors(file, names);
  const used = new Set([...names.values(), ...extra.map(({ name }) => name)]);
  const isLeftOut = (name: string) => !used.has(name) && !isPositionIds(name);
  const leftOut = library === 'Crosscheck' ? [] : [...file.tensors.keys()].filter(isLeftOut);
  return {
    ...(added ? addFirstRow(view, { to: backbone.prefix + added.to, read: () => file.read(added.name) }) : view),
    library,
    notes: [
      ...(added ? ['token type 0 added to the positions'] : []),
      ...(leftOut.length > 0 ? [`left out ${describeModules(leftOut)}`] : []),
    ],
  };
}

/** A table of vectors as wide as the backbone's, of any number of rows. */
function addedTensor({ tensors }: TensorFile, name: string, theirs: readonly NamedTensor[]): NamedTensor {
  const width = theirs[0]?.shape[1] ?? 0;
  const rows = tensors.get(name)?.shape[0] ?? 2;
  return { name, shape: [Math.max(1, rows), width], kind: 'parameter', dtype: 'F32' };
}

function addFirstRow(file: TensorFile, { to, read }: { to: string; read: () => Promise<Float32Array> }): TensorFile {
  return {
    ...file,
    read: async (name) => {
      const values = await file.read(name);
      if (name !== to) return values;
      const width = tensorInfo(file, name).shape[1] as number;
      const row = (await read()).subarray(0, width);
      return values.map((value, i) => value + (row[i % width] as number));
    },
  };
}

/** `pooler.dense.weight`, `pooler.dense.bias` → `pooler` */
function describeModules(names: readonly string[]): string {
  const modules = names.map((name) => name.replace(/^(bert\.)?(\w+)\..*/, '$2'));
  return [...new Set(modules)].join(', ');
}

/** The scheme that finds the most of its names in the file. */
function findScheme(file: TensorFile, { what, names, schemes, advise }: Backbone): NamingScheme {
  const found = schemes.map(({ theirName }) => names.filter(({ name }) => file.tensors.has(theirName(name))).length);
  const most = Math.max(...found);
  const scheme = schemes[found.indexOf(most)];
  if (scheme && most > 0) return scheme;
  const accepted = schemes
    .map(({ library, theirName }) => `${theirName(names[0]?.name ?? '')} (${library})`)
    .join(', ');
  const got = [...file.tensors.keys()].slice(0, 3).join(', ') || 'nothing';
  const advice = advise(file);
  throw new CrosscheckError(
    'CROSSCHECK_WEIGHTS_MISMATCH',
    `${file.path} holds no weights of ${what}: expected names such as ${accepted}, got ${file.tensors.size} tensors: ${got}, …${advice === null ? '' : `. ${advice}`}`,
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
