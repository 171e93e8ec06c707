import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { hideInValue } from '@crosscheck/contract';
import { z } from 'zod';
import { guardWriting } from '../run/guard-writing.ts';

/** Stands in the run folder as soon as the tracker has the run. */
export const trackerFileName = 'mlflow.json';

const rememberedSchema = z.object({
  /** As the config says it. */
  tracking_uri: z.string(),
  /** The same from any working folder, without credentials. */
  place: z.string(),
  run_id: z.string(),
  /** How many steps lie between two that are logged there. */
  log_every_steps: z.int().min(1),
});

/** Where a run is tracked, and as which. */
export type Remembered = z.infer<typeof rememberedSchema>;

/** @param options.typed the URI as the config has it; `uri` is the one that was opened */
export function rememberRun(
  runDir: string,
  { uri, typed, runId, logEverySteps }: { uri: string; typed: string; runId: string; logEverySteps: number },
): void {
  const place = hideInValue(absoluteUri(uri));
  const remembered: Remembered = {
    tracking_uri: hideInValue(typed),
    place,
    run_id: runId,
    log_every_steps: logEverySteps,
  };
  const file = path.join(runDir, trackerFileName);
  guardWriting(file, () => writeFileSync(file, `${JSON.stringify(remembered, null, 2)}\n`));
}

/** Null for a run that was never tracked, or by an earlier version. */
export function readRemembered(runDir: string): Remembered | null {
  try {
    const text = readFileSync(path.join(runDir, trackerFileName), 'utf8');
    return rememberedSchema.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}

/** The URI that a run goes on with: a relative one means the place that it meant when the run began, as long as that is there. */
export function uriOf(uri: string, remembered: Remembered | null): string {
  if (remembered === null || hideInValue(uri) !== remembered.tracking_uri) return uri;
  const file = fileOf(remembered.place);
  return file !== null && existsSync(file) ? remembered.place : uri;
}

const sqlite = /^(sqlite(?:\+\w+)?:\/\/\/)([^?]+)/;

/** The file or folder of a tracker on this machine; null for a server. */
function fileOf(uri: string): string | null {
  if (uri.startsWith('file://')) return fileURLToPath(uri);
  const [, , database] = sqlite.exec(uri) ?? [];
  if (database !== undefined) return database;
  return /^[a-z][a-z0-9+.-]+:/i.test(uri) ? null : uri;
}

function absoluteUri(uri: string): string {
  if (uri.startsWith('file:') && !uri.startsWith('file://')) return path.resolve(uri.slice('file:'.length));
  const file = fileOf(uri);
  if (file === null || path.isAbsolute(file)) return uri;
  return sqlite.test(uri) ? uri.replace(file, path.resolve(file)) : path.resolve(file);
}
