import { existsSync, readdirSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { composeConfig, trainConfigSchema } from '@crosscheck/config';
import { CrosscheckError, messageOf, print } from '@crosscheck/contract';
import { isMlflowError, type SyncReport, syncSpool } from 'mlflow-js-client';

/** What sends the rest of a run, as it can be typed. */
export const syncCommand = (folder: string): string => {
  const relative = path.relative('.', folder);
  const shown = relative.startsWith('..') ? path.resolve(folder) : relative || '.';
  return `pnpm mlflow:sync ${/^[\w./-]+$/.test(shown) ? shown : `'${shown.replaceAll("'", String.raw`'\''`)}'`}`;
};

/** The `mlflow:sync` command. @param trackingUri null = where the run was tracked */
export async function runSync(folder: string, trackingUri: string | null): Promise<void> {
  await requireFolder(folder);
  const uri = trackingUri ?? trackingUriOf(folder);
  const reports = await syncSpool(folder, uri).catch(explain);
  for (const line of describe(reports, folder, uri)) print(line);
}

async function requireFolder(folder: string): Promise<void> {
  if ((await stat(folder).catch(() => null))?.isDirectory()) return;
  throw new CrosscheckError(
    'CROSSCHECK_SYNC_NO_RUN',
    `expected the folder of a run, got ${path.resolve(folder)}, which is none; runs stand below outputs/`,
  );
}

/** Where the run in a folder was tracked. @throws CROSSCHECK_SYNC_NO_RUN */
export function trackingUriOf(folder: string): string {
  try {
    const configDir = findComposition(path.resolve(folder));
    const { config } = composeConfig({ configName: 'config', configDir, schema: trainConfigSchema });
    if (config.mlflow.tracking_uri !== null) return config.mlflow.tracking_uri;
  } catch (cause) {
    const message = `cannot read where ${folder} was tracked (${messageOf(cause)}); pass --tracking-uri <uri>`;
    throw new CrosscheckError('CROSSCHECK_SYNC_NO_RUN', message, { cause });
  }
  throw new CrosscheckError('CROSSCHECK_SYNC_NO_RUN', `${folder} was not tracked anywhere; pass --tracking-uri <uri>`);
}

/** Of a run; of any job, for the folder of a sweep, whose jobs are tracked in the same place. */
function findComposition(folder: string): string {
  const folders = [folder, ...readdirSync(folder).map((name) => path.join(folder, name))];
  const found = folders.map((each) => path.join(each, '.hydra')).find((each) => existsSync(each));
  return found ?? path.join(folder, '.hydra');
}

function describe(reports: readonly SyncReport[], folder: string, uri: string): string[] {
  if (reports.length === 0) return [`nothing waits in ${folder}`];
  return reports.flatMap(({ runId, records, refused }) => [
    `sent ${records} records of run ${runId} to ${uri}`,
    ...refused.map(({ entries, message }) => `refused for good: ${entries} entries: ${message}`),
  ]);
}

function explain(cause: unknown): never {
  if (!isMlflowError(cause)) throw cause;
  const message = `MLflow answered ${cause.errorCode}: ${cause.message}; what waits is kept, run it again later`;
  throw new CrosscheckError('CROSSCHECK_SYNC_FAILED', message, { cause });
}
