import { stat } from 'node:fs/promises';
import path from 'node:path';
import { CrosscheckError, type TextArchitecture, type VisionArchitecture } from '@crosscheck/contract';
import { type BackboneFile, viewTextBackbone, viewVisionBackbone } from './backbones/backbone.ts';
import { isHubAway, isMissingOnHub, isOnHub } from './backbones/config-json.ts';
import { downloadFromHub, type HubOptions, isHubId } from './hub/hub.ts';
import type { TensorFile } from './tensor-file.ts';
import { openTensorFile } from './tensor-file-formats.ts';

/** What weights are called in Hub repositories, best first. */
export const weightFiles = ['model.safetensors', 'pytorch_model.bin'] as const;

/**
 * Finds one file of a pretrained model: a local file as it is, a local folder's first of `files`, or the first of `files` that
 * a Hub repository has (see `downloadFromHub`). What exists on the disk wins over a Hub id of the same name.
 *
 * @param source path or Hub id
 * @param files names to look for, best first, such as `['tokenizer.json', 'vocab.txt']`
 * @throws CROSSCHECK_WEIGHTS_NOT_FOUND when it looks like a path and nothing is there
 * @throws CROSSCHECK_HUB_… as `downloadFromHub`
 */
export async function resolvePretrained(
  source: string,
  files: readonly string[],
  hub: HubOptions = {},
): Promise<string> {
  const local = path.resolve(source);
  const status = await stat(local).catch(() => null);
  if (status?.isFile()) return local;
  if (status?.isDirectory()) return firstIn(local, files);
  if (isHubId(source) && !looksLikeFile(source)) return downloadFromHub(source, files, hub);
  throw notFound(
    `expected a file, a folder or a Hub id such as organisation/name, got "${source}", and nothing is at ${local}`,
  );
}

/** `resolvePretrained` for weights: `model.safetensors`, else `pytorch_model.bin`. */
export function resolveWeights(source: string, hub: HubOptions & { files?: readonly string[] } = {}): Promise<string> {
  return resolvePretrained(source, hub.files ?? weightFiles, hub);
}

/**
 * The same for a tokenizer: a file, a folder with `tokenizer.json` or `vocab.txt`, or a Hub id. From the Hub comes its
 * `tokenizer_config.json`, too, which says whether text is lower-cased.
 */
export async function resolveTokenizer(source: string, hub: HubOptions = {}): Promise<string> {
  const file = await resolvePretrained(source, ['tokenizer.json', 'vocab.txt'], hub);
  if (await isOnHub(source)) {
    await downloadFromHub(source, ['tokenizer_config.json'], hub).catch((error: unknown) => {
      if (!isMissingOnHub(error) && !isHubAway(error)) throw error;
    });
  }
  return file;
}

/**
 * Opens EfficientNet weights from a path or a Hub id (`timm/efficientnet_b0.ra_in1k`) under the checkpoint's names.
 *
 * @throws CROSSCHECK_WEIGHTS_MISMATCH and the codes of `resolvePretrained` and `openTensorFile`
 */
export function openVisionBackbone(
  source: string,
  vision: VisionArchitecture,
  hub: HubOptions = {},
): Promise<BackboneFile> {
  return openView(source, hub, (file) => viewVisionBackbone(file, vision));
}

/**
 * Opens DistilBERT or BERT weights from a path or a Hub id (`distilbert/distilbert-base-uncased`) under the checkpoint's names.
 *
 * @throws CROSSCHECK_WEIGHTS_MISMATCH and the codes of `resolvePretrained` and `openTensorFile`
 */
export function openTextBackbone(source: string, text: TextArchitecture, hub: HubOptions = {}): Promise<BackboneFile> {
  return openView(source, hub, (file) => viewTextBackbone(file, text));
}

async function openView(
  source: string,
  hub: HubOptions,
  view: (file: TensorFile) => BackboneFile,
): Promise<BackboneFile> {
  const file = await openTensorFile(await resolveWeights(source, hub));
  try {
    return view(file);
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function firstIn(folder: string, files: readonly string[]): Promise<string> {
  for (const file of files) {
    const candidate = path.join(folder, file);
    if ((await stat(candidate).catch(() => null))?.isFile()) return candidate;
  }
  throw notFound(`expected ${files.join(' or ')} in the folder ${folder}`);
}

const looksLikeFile = (source: string): boolean => /\.(safetensors|pth?|bin|json|txt)$/.test(source);

function notFound(message: string): CrosscheckError {
  return new CrosscheckError('CROSSCHECK_WEIGHTS_NOT_FOUND', `${message}; check the path`);
}
