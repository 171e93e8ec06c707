// Under which rules vision weights were trained: padding, epsilon and the scale of pixels belong to the weights as much as their numbers do.
import {
  type CheckpointMetadata,
  CrosscheckError,
  type VisionArchitecture,
  type VisionBackbone,
  visionBackbones,
} from '@crosscheck/contract';
import { familyOf, type PixelScale, pixelScaleOf, pixelScales, visionArchitectureOf } from '@crosscheck/network';
import { z } from 'zod';
import { openCheckpoint } from '../checkpoint.ts';
import type { HubOptions } from '../hub/hub.ts';
import { resolveWeights } from '../pretrained.ts';
import { unwrapNames } from '../unwrap-names.ts';
import { type ConfigJson, isHubAway, isMissingOnHub, isOnHub, readHubConfig, readLocalConfig } from './config-json.ts';
import { visionBackboneOf, visionLibraryOf } from './looks-like.ts';

/** `model.vision.*`: what names the backbone and its weights. */
export interface VisionChoice {
  readonly backbone: VisionBackbone;
  readonly pretrained: boolean;
  readonly weights: string | null;
  readonly revision: string;
  readonly stages: readonly unknown[] | null;
  readonly stem_channels: number | null;
  readonly head_channels: number | null;
  readonly squeeze_excite: boolean | null;
}

/** What is known of vision weights besides their numbers. */
export interface VisionFacts {
  readonly vision: Pick<VisionArchitecture, 'padding' | 'batchNormEpsilon'>;
  readonly pixels: PixelScale;
  /** Why, for the log. */
  readonly why: string;
  /** What could be otherwise and cannot be told from the weights; null when nothing is in doubt. */
  readonly doubt: string | null;
}

const symmetric = { padding: 'symmetric', batchNormEpsilon: 1e-5 } as const;
const tensorflow = { padding: 'same', batchNormEpsilon: 1e-3 } as const;

type Rules = Pick<VisionFacts, 'vision' | 'pixels'>;

/** Who published EfficientNets, and under which rules they trained them. */
const publishers = {
  torchvision: () => ({ vision: symmetric, pixels: pixelScales.imagenet }),
  timm: () => ({ vision: symmetric, pixels: pixelScales.imagenet }),
  timmFromTensorflow: (backbone) => ({
    vision: tensorflow,
    pixels: familyOf(backbone) === 'lite' ? pixelScales.half : pixelScales.imagenet,
  }),
  efficientnetPytorch: (backbone) => ({ vision: tensorflow, pixels: pixelScaleOf(backbone) }),
} satisfies Record<string, (backbone: VisionBackbone) => Rules>;

/** What a backbone has by its name alone. */
export function ownRules(backbone: VisionBackbone): Rules {
  const { padding, batchNormEpsilon } = visionArchitectureOf(backbone);
  return { vision: { padding, batchNormEpsilon }, pixels: pixelScaleOf(backbone) };
}

/**
 * Finds out how the vision weights of a config were trained: by what they say themselves (a Crosscheck checkpoint), by timm's config.json
 * beside them or on the Hub, by timm's name of them, and by the library whose names their tensors have. What none of these tells is the
 * backbone's own.
 *
 * @throws CROSSCHECK_WEIGHTS_MISMATCH when they say that they are of another backbone; as `resolveWeights` and `openTensorFile`
 */
export async function findVisionFacts(choice: VisionChoice, hub: HubOptions = {}): Promise<VisionFacts> {
  const { backbone, pretrained, weights, revision } = choice;
  if (!pretrained || weights === null)
    return { ...ownRules(backbone), why: `as ${backbone} was published, for random weights`, doubt: null };
  const options = { ...hub, revision, askedBy: 'model.vision.weights' };
  const config = await findConfig(weights, options);
  const told =
    (config && fromTimmConfig(config, choice)) ?? ((await isOnHub(weights)) ? fromTimmName(weights, choice) : null);
  return told ?? fromFile(await resolveWeights(weights, options), choice);
}

async function findConfig(weights: string, hub: HubOptions): Promise<ConfigJson | null> {
  if (!(await isOnHub(weights))) return readLocalConfig(weights);
  return readHubConfig(weights, hub).catch((error: unknown) => {
    if (isHubAway(error) || isMissingOnHub(error)) return null; // the weights themselves may be cached, or say more
    throw error;
  });
}

const scale = z.tuple([z.number(), z.number(), z.number()]);
const timmConfig = z.object({
  architecture: z.string(),
  pretrained_cfg: z.object({ mean: scale, std: scale }).optional(),
});

/** timm writes `architecture` and `pretrained_cfg` beside its weights. */
function fromTimmConfig({ from, value }: ConfigJson, choice: VisionChoice): VisionFacts | null {
  const config = timmConfig.safeParse(value);
  if (!config.success) return null;
  const { architecture, pretrained_cfg: pixels } = config.data;
  const rules = timmRules(architecture, choice, from);
  return (
    rules && {
      ...rules,
      ...(pixels && { pixels: { mean: pixels.mean, std: pixels.std } }),
      why: `as ${from} says`,
      doubt: null,
    }
  );
}

/** `timm/tf_efficientnet_lite0.in1k`, `tf_efficientnet_lite0-0aa007d2.pth`, and the like. */
function fromTimmName(weights: string, choice: VisionChoice): VisionFacts | null {
  const [, architecture, tag = ''] =
    /(?:^timm\/|(?=tf_))((?:tf_)?efficientnet_(?:b|lite)\d)(?:[.](\w+))?[^/]*$/.exec(weights) ?? [];
  const rules = architecture === undefined ? null : timmRules(architecture, choice, weights);
  if (rules === null) return null;
  const pixels = /^(ap|ra4)_/.test(tag) ? pixelScales.half : rules.pixels;
  return { ...rules, pixels, why: `as timm trained ${weights}, by its name`, doubt: null };
}

function timmRules(architecture: string, choice: VisionChoice, from: string): Rules {
  const { backbone } = choice;
  const bare = architecture.replace(/^tf_/, '');
  if (isPublished(choice) && bare !== backbone) throw anotherBackbone(from, bare, backbone);
  return publishers[architecture === bare ? 'timm' : 'timmFromTensorflow'](backbone);
}

/** A network with sizes of its own is no published one, whatever it is called. */
const isPublished = ({ stages, stem_channels, head_channels, squeeze_excite }: VisionChoice): boolean =>
  [stages, stem_channels, head_channels, squeeze_excite].every((own) => own === null);

function anotherBackbone(from: string, got: string, expected: VisionBackbone): CrosscheckError {
  const isKnown = (visionBackbones as readonly string[]).includes(got);
  const remedy = isKnown
    ? `set model.vision.backbone=${got}, or model.vision.weights to weights of ${expected}`
    : `set model.vision.weights to weights of one of ${visionBackbones.join(', ')}`;
  return new CrosscheckError(
    'CROSSCHECK_WEIGHTS_MISMATCH',
    `expected weights of ${expected}, which model.vision.backbone names, got ${got} (${from}); ${remedy}`,
  );
}

/** By the library whose names the tensors have, where nothing else tells. */
async function fromFile(path: string, choice: VisionChoice): Promise<VisionFacts> {
  const file = unwrapNames(await openCheckpoint(path));
  try {
    const got = isPublished(choice) ? visionBackboneOf(file) : null;
    if (got !== null && got !== choice.backbone) throw anotherBackbone(path, got, choice.backbone);
    return file.metadata ? fromCheckpoint(path, file.metadata) : fromLibrary(path, visionLibraryOf(file), choice);
  } finally {
    await file.close();
  }
}

function fromCheckpoint(path: string, { architecture, preprocessing }: CheckpointMetadata): VisionFacts {
  const { padding, batchNormEpsilon } = architecture.vision;
  const { mean, std } = preprocessing;
  return {
    vision: { padding, batchNormEpsilon },
    pixels: { mean, std },
    why: `as ${path} says of itself`,
    doubt: null,
  };
}

function fromLibrary(path: string, library: string | null, choice: VisionChoice): VisionFacts {
  const { backbone } = choice;
  const isLite = familyOf(backbone) === 'lite';
  const why = `as weights with ${library}'s names were trained (${path})`;
  if (library === 'efficientnet-pytorch') return { ...publishers.efficientnetPytorch(backbone), why, doubt: null };
  if (library?.startsWith('torchvision') && !isLite) return { ...publishers.torchvision(), why, doubt: null };
  if (library !== 'timm') return { ...ownRules(backbone), why: `as ${backbone} was published`, doubt: inDoubt(path) };
  const named = fromTimmName(path, choice);
  if (named) return named;
  const rules = isLite ? publishers.timmFromTensorflow(backbone) : publishers.timm();
  return { ...rules, why, doubt: timmDoubt(path, isLite) };
}

const inDoubt = (path: string): string =>
  `nothing in ${path} says how these weights were trained; if not so, set model.vision.padding, model.vision.batch_norm_epsilon, data.mean and data.std`;

/** timm has one set of names for weights that it trained and for those that it took from TensorFlow. */
function timmDoubt(path: string, isLite: boolean): string {
  const other = isLite
    ? "timm's own efficientnet_lite* need model.vision.padding=symmetric model.vision.batch_norm_epsilon=1e-5 data.mean=[0.485,0.456,0.406] data.std=[0.229,0.224,0.225]"
    : "timm's tf_efficientnet_* need model.vision.padding=same model.vision.batch_norm_epsilon=1e-3";
  return `nothing in ${path} says whether timm trained these weights or took them from TensorFlow; ${other}, or its config.json beside the file`;
}
