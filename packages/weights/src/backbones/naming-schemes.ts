import type { VisionArchitecture } from '@crosscheck/contract';
import { textPrefix, visionPrefix } from '@crosscheck/network';

/** How one library names the tensors of a backbone. */
export interface NamingScheme {
  readonly library: string;
  /** @param name ours without the branch's prefix: torchvision's or Hugging Face's DistilBERT's */
  readonly theirName: (name: string) => string;
  /** Names of the same file that are no part of the backbone. */
  readonly isIgnored: (theirName: string) => boolean;
  /** A tensor of theirs whose first row is added to every row of one of ours. */
  readonly added?: { readonly to: string; readonly name: string };
}

const isClassifier = (name: string): boolean => /^(classifier|head|fc|_fc)\./.test(name);
const never = (): boolean => false;

/** Crosscheck's own checkpoints, torchvision's state dict (of the model or of its `features`), timm's, and that of efficientnet-pytorch. */
export function visionSchemes(vision: VisionArchitecture): NamingScheme[] {
  return [
    crosscheckScheme(visionPrefix),
    { library: 'torchvision', theirName: (name) => name, isIgnored: isClassifier },
    { library: "torchvision's features", theirName: (name) => name.slice('features.'.length), isIgnored: never },
    { library: 'timm', theirName: (name) => renameVision(name, vision, timm), isIgnored: isClassifier },
    {
      library: 'efficientnet-pytorch',
      theirName: (name) => renameVision(name, vision, efficientnetPytorch),
      isIgnored: isClassifier,
    },
  ];
}

/** Layers that Hugging Face's task models put on top. */
const textHeads =
  /^(vocab_(transform|layer_norm|projector)|pre_classifier|classifier|qa_outputs|(bert\.)?pooler|cls)\./;
const isTextExtra = (name: string): boolean => textHeads.test(name) || isPositionIds(name);

/** 0, 1, 2, …: a constant that nothing needs. */
export const isPositionIds = (name: string): boolean => name.endsWith('embeddings.position_ids');

/** Crosscheck's own checkpoints, and Hugging Face's DistilBERT and BERT, alone or inside a task model. */
export function textSchemes(): NamingScheme[] {
  return [
    crosscheckScheme(textPrefix),
    huggingFace('Hugging Face DistilBERT task model', (name) => `distilbert.${name}`),
    huggingFace('Hugging Face DistilBertModel', (name) => name),
    bertScheme('Hugging Face BERT task model', 'bert.'),
    bertScheme('Hugging Face BertModel', ''),
  ];
}

function huggingFace(library: string, theirName: NamingScheme['theirName']): NamingScheme {
  return { library, theirName, isIgnored: isTextExtra };
}

/** Every token of a text is of type 0, so that type's vector can be part of the positions. */
function bertScheme(library: string, prefix: string): NamingScheme {
  const added = {
    to: 'embeddings.position_embeddings.weight',
    name: `${prefix}embeddings.token_type_embeddings.weight`,
  };
  return { ...huggingFace(library, (name) => prefix + bertName(name)), added };
}

function crosscheckScheme(prefix: string): NamingScheme {
  return { library: 'Crosscheck', theirName: (name) => prefix + name, isIgnored: (name) => !name.startsWith(prefix) };
}

/** Modules of a transformer layer, DistilBERT's name and BERT's. */
const bertModules: Readonly<Record<string, string>> = {
  'attention.q_lin': 'attention.self.query',
  'attention.k_lin': 'attention.self.key',
  'attention.v_lin': 'attention.self.value',
  'attention.out_lin': 'attention.output.dense',
  sa_layer_norm: 'attention.output.LayerNorm',
  'ffn.lin1': 'intermediate.dense',
  'ffn.lin2': 'output.dense',
  output_layer_norm: 'output.LayerNorm',
};

/** `transformer.layer.3.attention.q_lin.weight` → `encoder.layer.3.attention.self.query.weight` */
export function bertName(name: string): string {
  return name.replace(
    /^transformer\.(layer\.\d+)\.(.+)\.(weight|bias)$/,
    (_, layer: string, module: string, kind: string) => `encoder.${layer}.${bertModules[module]}.${kind}`,
  );
}

type Part = 'expand' | 'depthwise' | 'squeezeExcite' | 'project';

/** Where a module of a block stands: part, place within the part, stage and repeat from 0, block counted over all stages. */
interface Place {
  part: Part;
  module: string;
  stage: number;
  repeat: number;
  block: number;
  isExpanded: boolean;
}

/** A library's names of the stem, of the head, and of what is inside a block. */
interface BlockNames {
  stem: Readonly<Record<string, string>>;
  head: Readonly<Record<string, string>>;
  inBlock: (place: Place) => string;
}

const timm: BlockNames = {
  stem: { '0': 'conv_stem', '1': 'bn1' },
  head: { '0': 'conv_head', '1': 'bn2' },
  inBlock: ({ stage, repeat, isExpanded, part, module }) =>
    `blocks.${stage}.${repeat}.${(isExpanded ? timmInvertedResidual : timmDepthwiseSeparable)[part]?.[module]}`,
};

const timmSqueeze = { fc1: 'se.conv_reduce', fc2: 'se.conv_expand' };
const timmInvertedResidual: Partial<Record<Part, Record<string, string>>> = {
  expand: { '0': 'conv_pw', '1': 'bn1' },
  depthwise: { '0': 'conv_dw', '1': 'bn2' },
  squeezeExcite: timmSqueeze,
  project: { '0': 'conv_pwl', '1': 'bn3' },
};
const timmDepthwiseSeparable: Partial<Record<Part, Record<string, string>>> = {
  depthwise: { '0': 'conv_dw', '1': 'bn1' },
  squeezeExcite: timmSqueeze,
  project: { '0': 'conv_pw', '1': 'bn2' },
};

const efficientnetPytorchParts: Record<Part, Record<string, string>> = {
  expand: { '0': '_expand_conv', '1': '_bn0' },
  depthwise: { '0': '_depthwise_conv', '1': '_bn1' },
  squeezeExcite: { fc1: '_se_reduce', fc2: '_se_expand' },
  project: { '0': '_project_conv', '1': '_bn2' },
};
const efficientnetPytorch: BlockNames = {
  stem: { '0': '_conv_stem', '1': '_bn0' },
  head: { '0': '_conv_head', '1': '_bn1' },
  inBlock: ({ block, part, module }) => `_blocks.${block}.${efficientnetPytorchParts[part][module]}`,
};

/** `features.2.0.block.1.0.weight` → `blocks.1.0.conv_dw.weight` */
function renameVision(name: string, { stages, squeezeExcite }: VisionArchitecture, names: BlockNames): string {
  const [, stageText = '', ...rest] = name.split('.');
  const stage = Number(stageText) - 1;
  if (stage < 0) return [names.stem[rest[0] as string], ...rest.slice(1)].join('.');
  if (stage >= stages.length) return [names.head[rest[0] as string], ...rest.slice(1)].join('.');
  const [repeat, , place, module, ...kind] = rest as [string, string, string, string, ...string[]];
  const isExpanded = stages[stage]?.expand !== 1;
  const part = partsOf({ isExpanded, squeezeExcite })[Number(place)] as Part;
  const before = stages.slice(0, stage).reduce((sum, { repeats }) => sum + repeats, 0);
  const at = { part, module, stage, repeat: Number(repeat), block: before + Number(repeat), isExpanded };
  return [names.inBlock(at), ...kind].join('.');
}

/** The parts of a block in the order in which torchvision numbers them. */
function partsOf({ isExpanded, squeezeExcite }: { isExpanded: boolean; squeezeExcite: boolean }): Part[] {
  return [
    ...(isExpanded ? ['expand'] : []),
    'depthwise',
    ...(squeezeExcite ? ['squeezeExcite'] : []),
    'project',
  ] as Part[];
}
