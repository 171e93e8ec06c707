import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { composeConfig, flattenConfig } from '@crosscheck/config';
import { CrosscheckError, messageOf, withoutSecrets } from '@crosscheck/contract';
import type { EpochRecord } from '@crosscheck/report';
import { z } from 'zod';
import { metricsFileName } from '../consumers/metrics-file.ts';
import {
  predictionsFile,
  resultsFile,
  validationPredictionsFile,
  validationResultsFile,
} from '../predictions/file-names.ts';
import type { Prediction } from '../predictions/prediction.ts';
import { readPredictions } from '../predictions/predictions-file.ts';
import { type ReadResult, readResult } from '../predictions/stored-result.ts';

/** A split that a run judged. */
export interface JudgedSplit {
  result: ReadResult;
  predictions: Prediction[];
}

/** What a run folder tells of its run. */
export interface ReadRun {
  folder: string;
  epochs: EpochRecord[];
  judged: JudgedSplit[];
  /** Dotted key → value, of the config that the model was trained with; null where none can be read. */
  config: Record<string, string> | null;
  /** What could not be read, in words. */
  warnings: string[];
}

const pairs = [
  [resultsFile, predictionsFile],
  [validationResultsFile, validationPredictionsFile],
] as const;

/** @throws CROSSCHECK_COMPARE_NO_RUN, CROSSCHECK_COMPARE_UNREADABLE */
export function readRun(folder: string): ReadRun {
  const inside = (name: string) => path.join(folder, name);
  requireRun(folder);
  const judged = pairs
    .filter((files) => files.every((name) => existsSync(inside(name))))
    .map(([results, predictions]) => ({
      result: readResult(inside(results)),
      predictions: readPredictions(inside(predictions)),
    }));
  const epochs = existsSync(inside(metricsFileName)) ? readEpochs(inside(metricsFileName)) : [];
  return { folder, epochs, judged, ...readConfig(folder, judged) };
}

function requireRun(folder: string): void {
  const wanted = [metricsFileName, validationResultsFile, resultsFile];
  const isFolder = statSync(folder, { throwIfNoEntry: false })?.isDirectory() ?? false;
  if (isFolder && wanted.some((name) => existsSync(path.join(folder, name)))) return;
  const got = isFolder ? `a folder without ${wanted.join(', ')}` : 'no folder';
  throw new CrosscheckError(
    'CROSSCHECK_COMPARE_NO_RUN',
    `expected the run folder of pnpm train or pnpm evaluate at ${path.resolve(folder)}, got ${got}; runs stand below outputs/, their last line says where`,
  );
}

const epochSchema = z.looseObject({ epoch: z.int(), phase: z.string() });

/** The epochs of `metrics.jsonl`; a line that a kill cut in half is left out. */
function readEpochs(file: string): EpochRecord[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => {
      const parsed = epochSchema.safeParse(parseLine(line));
      if (!parsed.success) return [];
      const { epoch, phase, step: _step, seconds: _seconds, ...rest } = parsed.data;
      const measured = Object.entries(rest).filter((entry): entry is [string, number] => typeof entry[1] === 'number');
      return [{ epoch, phase, metrics: Object.fromEntries(measured) }];
    });
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

/** The config of the training: by an evaluation's checkpoint, else by the run's own `.hydra` folder. */
function readConfig(folder: string, judged: readonly JudgedSplit[]): Pick<ReadRun, 'config' | 'warnings'> {
  const evaluated = judged.find(({ result }) => result.trained !== undefined)?.result.trained;
  if (evaluated !== undefined) {
    const isKnown = typeof evaluated.config === 'object' && evaluated.config !== null;
    return { config: isKnown ? flattenConfig(withoutSecrets(evaluated.config)) : null, warnings: [] };
  }
  try {
    const configDir = path.join(path.resolve(folder), '.hydra');
    const { config } = composeConfig({ configName: 'config', configDir, schema: z.record(z.string(), z.unknown()) });
    return { config: flattenConfig(withoutSecrets(config)), warnings: [] };
  } catch (error) {
    return { config: null, warnings: [`the settings of ${folder} cannot be read: ${messageOf(error)}`] };
  }
}
