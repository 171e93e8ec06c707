import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describeSystemError, messageOf } from '@crosscheck/contract';
import { ensureFolder, writeWhole } from '@crosscheck/files';
import { type Composition, type ConfigNode, fromPlain, isHydraOverride, type MapNode, toYaml } from '@crosscheck/hydra';
import { parse } from 'yaml';
import { hideInComposition } from '../hide.ts';
import { fail } from '../problems.ts';

/**
 * Makes a run's folder. A folder that is named by the clock and already holds a run gets a number, so that two runs in the same second
 * do not mix; a folder that was named on purpose is used again.
 */
export function makeRunFolder(dir: string, isNamedByClock: boolean): string {
  const wanted = path.resolve(dir);
  try {
    for (let copy = 1; ; copy++) {
      const candidate = copy === 1 ? wanted : `${wanted}-${copy}`;
      ensureFolder(isNamedByClock ? path.dirname(candidate) : candidate);
      if (!isNamedByClock || makeNew(candidate)) return candidate;
    }
  } catch (error) {
    return fail(
      'CROSSCHECK_CONFIG_RUN_FOLDER',
      `cannot make the run folder ${wanted}: ${describeSystemError(error) ?? messageOf(error)}; set hydra.run.dir to a folder that can be written`,
    );
  }
}

/** @returns false when another run has it */
function makeNew(folder: string): boolean {
  try {
    mkdirSync(folder);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Writes `config.yaml`, `hydra.yaml` and `overrides.yaml` into the run's `.hydra` folder. */
export function writeComposition(composition: Composition, folder: string): void {
  const { config, hydra, overrides } = hideInComposition(composition);
  const task = overrides.filter((override) => !isHydraOverride(override)).map((override) => override.input);
  writeWhole(path.join(folder, 'config.yaml'), toYaml(config));
  writeWhole(path.join(folder, 'hydra.yaml'), toYaml(hydraBlock(hydra)));
  writeWhole(path.join(folder, 'overrides.yaml'), toYaml(fromPlain(task)));
}

/** What was typed for the run of a folder, without the hydra block; null where it does not say. */
export function readOverrides(runDir: string): string[] | null {
  const file = path.join(runDir, '.hydra', 'overrides.yaml');
  return existsSync(file) ? (parse(readFileSync(file, 'utf8')) as string[] | null) : null;
}

export function hydraBlock(hydra: ConfigNode): MapNode {
  return { kind: 'map', entries: new Map([['hydra', hydra]]), origin: '' };
}

/** The config with the hydra block in it. */
export function wholeConfig({ config, hydra }: Pick<Composition, 'config' | 'hydra'>): MapNode {
  return { kind: 'map', entries: new Map([...config.entries, ['hydra', hydra]]), origin: '' };
}
