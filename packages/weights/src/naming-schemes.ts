import type { VisionArchitecture } from '@crosscheck/contract';
import { textPrefix, visionPrefix } from '@crosscheck/network';

/** How one library names the tensors of a backbone. */
export interface NamingScheme {
  readonly library: string;
  /** @param name ours without the branch's prefix: torchvision's or Hugging Face's */
  readonly theirName: (name: string) => string;
  /** Names of the same file that are no part of the backbone. */
  readonly isIgnored: (theirName: string) => boolean;
}

const isClassifier = (name: string): boolean => name.startsWith('classifier.');
const never = (): boolean => false;

/** Crosscheck's own checkpoints, torchvision's state dict (of the model or of its `features`), and timm's. */
export function visionSchemes(vision: VisionArchitecture): NamingScheme[] {
  return [
    crosscheckScheme(visionPrefix),
    { library: 'torchvision', theirName: (name) => name, isIgnored: isClassifier },
    { library: "torchvision's features", theirName: (name) => name.slice('features.'.length), isIgnored: never },
    { library: 'timm', theirName: (name) => timmName(name, vision), isIgnored: isClassifier },
  ];
}

/** Layers that Hugging Face's task models put on top of DistilBERT, and a constant that old versions stored. */
const distilbertHeads = /^(vocab_(transform|layer_norm|projector)|pre_classifier|classifier|qa_outputs)\./;
const isPositionIds = (name: string): boolean => name.endsWith('embeddings.position_ids');

/** Crosscheck's own checkpoints, and Hugging Face's DistilBERT alone or inside a task model. */
export function textSchemes(): NamingScheme[] {
  const isIgnored = (name: string): boolean => distilbertHeads.test(name) || isPositionIds(name);
  return [
    crosscheckScheme(textPrefix),
    { library: 'Hugging Face task model', theirName: (name) => `distilbert.${name}`, isIgnored },
    { library: 'Hugging Face DistilBertModel', theirName: (name) => name, isIgnored },
  ];
}

function crosscheckScheme(prefix: string): NamingScheme {
  return { library: 'Crosscheck', theirName: (name) => prefix + name, isIgnored: (name) => !name.startsWith(prefix) };
}

/** Modules inside a block by their place in torchvision's `block`: with expansion (4 of them) and without (3). */
const timmInvertedResidual = [
  { '0': 'conv_pw', '1': 'bn1' },
  { '0': 'conv_dw', '1': 'bn2' },
  { fc1: 'se.conv_reduce', fc2: 'se.conv_expand' },
  { '0': 'conv_pwl', '1': 'bn3' },
];
const timmDepthwiseSeparable = [
  { '0': 'conv_dw', '1': 'bn1' },
  { fc1: 'se.conv_reduce', fc2: 'se.conv_expand' },
  { '0': 'conv_pw', '1': 'bn2' },
];

/** `features.2.0.block.1.0.weight` → `blocks.1.0.conv_dw.weight` */
function timmName(name: string, { stages }: VisionArchitecture): string {
  const [, stage = '', repeat, , place, part = ''] = name.split('.');
  if (stage === '0') return name.replace('features.0.0', 'conv_stem').replace('features.0.1', 'bn1');
  const head = `features.${stages.length + 1}`;
  if (name.startsWith(`${head}.`)) return name.replace(`${head}.0`, 'conv_head').replace(`${head}.1`, 'bn2');
  const block = stages[Number(stage) - 1]?.expand === 1 ? timmDepthwiseSeparable : timmInvertedResidual;
  const module = (block[Number(place)] as Record<string, string> | undefined)?.[part];
  return `blocks.${Number(stage) - 1}.${repeat}.${module}.${name.split('.').slice(6).join('.')}`;
}
