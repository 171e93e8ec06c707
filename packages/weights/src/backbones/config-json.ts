import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { CrosscheckError, isCrosscheckError, messageOf } from '@crosscheck/contract';
import { downloadFromHub, type HubOptions, isHubId } from '../hub/hub.ts';

/** The config.json that belongs to some weights. */
export interface ConfigJson {
  /** Where it was found, for people. */
  readonly from: string;
  readonly value: Readonly<Record<string, unknown>>;
}

export const configFileName = 'config.json';

/** Whether a path or a Hub id names something on the disk. */
export async function isLocal(source: string): Promise<boolean> {
  return (await stat(path.resolve(source)).catch(() => null)) !== null;
}

/**
 * The config.json of a local source: that in the folder, or that beside the file; null when there is none.
 *
 * @throws CROSSCHECK_BACKBONE_CONFIG_INVALID when it is no JSON object
 */
export async function readLocalConfig(source: string): Promise<ConfigJson | null> {
  const local = path.resolve(source);
  const isFolder = (await stat(local).catch(() => null))?.isDirectory() ?? false;
  const file = path.join(isFolder ? local : path.dirname(local), configFileName);
  return (await isLocal(file)) ? parseConfig(file, file) : null;
}

/** The config.json of a repository on the Hub. @throws as `downloadFromHub`, and CROSSCHECK_BACKBONE_CONFIG_INVALID */
export async function readHubConfig(id: string, hub: HubOptions): Promise<ConfigJson> {
  return parseConfig(await downloadFromHub(id, [configFileName], hub), `${configFileName} of ${id}`);
}

async function parseConfig(file: string, from: string): Promise<ConfigJson> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw invalid(from, messageOf(error));
  });
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return { from, value: value as ConfigJson['value'] };
    throw new TypeError(`a JSON ${Array.isArray(value) ? 'list' : typeof value}`);
  } catch (error) {
    throw invalid(from, messageOf(error));
  }
}

function invalid(from: string, got: string): CrosscheckError {
  const message = `expected a JSON object, got ${got} (${from}); repair the file, or take it anew from where the weights are from`;
  return new CrosscheckError('CROSSCHECK_BACKBONE_CONFIG_INVALID', message);
}

/** True for errors after which the Hub may still have the file. */
export const isHubAway = (error: unknown): boolean =>
  isCrosscheckError(error, 'CROSSCHECK_HUB_OFFLINE') || isCrosscheckError(error, 'CROSSCHECK_HUB_UNREACHABLE');

export const isMissingOnHub = (error: unknown): boolean => isCrosscheckError(error, 'CROSSCHECK_HUB_NOT_FOUND');

/** A Hub id that is nothing on the disk. */
export async function isOnHub(source: string): Promise<boolean> {
  return isHubId(source) && !/\.(safetensors|pth?|bin|json|txt)$/.test(source) && !(await isLocal(source));
}
