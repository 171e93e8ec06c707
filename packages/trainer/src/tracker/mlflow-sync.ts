import { existsSync, readdirSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { composeConfig, type TrainConfig, trainConfigSchema } from '@crosscheck/config';
import { CrosscheckError, exitCodes, hideInValue, isHidden, messageOf, print } from '@crosscheck/contract';
import { lockFolder } from '@crosscheck/files';
import { isMlflowError, openTrackingStore, type SyncReport, syncSpool } from 'mlflow-js-client';
import { metricsFileName } from '../consumers/metrics-file.ts';
import { loginHint, withoutHiddenLogin } from './login.ts';
import { readPoints, readStored, sendMissing } from './missing.ts';
import { readRemembered, uriOf } from './remembered.ts';

/** What sends the rest of a run, as it can be typed. */
export const syncCommand = (folder: string): string => {
  const relative = path.relative('.', folder);
  const shown = relative.startsWith('..') ? path.resolve(folder) : relative || '.';
  return `pnpm mlflow:sync ${/^[\w./-]+$/.test(shown) ? shown : `'${shown.replaceAll("'", String.raw`'\''`)}'`}`;
};

/** The `mlflow:sync` command. @param trackingUri null = where the run was tracked @returns the exit code */
export async function runSync(folder: string, trackingUri: string | null): Promise<number> {
  await requireFolder(folder);
  const uri = loginFor(trackingUri ?? trackingUriOf(folder));
  // A run that still trains sends for itself.
  const release = await lockFolder(folder);
  try {
    const reports = await syncSpool(folder, uri);
    const figures = await sendFigures(folder, uri, reports);
    for (const line of describe({ reports, figures, folder, uri })) print(line);
    return reports.some(({ kept }) => kept !== undefined) ? exitCodes.failed : exitCodes.done;
  } catch (error) {
    return explain(error);
  } finally {
    release();
  }
}

async function requireFolder(folder: string): Promise<void> {
  if ((await stat(folder).catch(() => null))?.isDirectory()) return;
  throw new CrosscheckError(
    'CROSSCHECK_SYNC_NO_RUN',
    `expected the folder of a run, got ${path.resolve(folder)}, which is none; runs stand below outputs/`,
  );
}

/** Where the run in a folder was tracked last. @throws CROSSCHECK_SYNC_NO_RUN */
export function trackingUriOf(folder: string): string {
  const remembered = readRemembered(folder);
  // Where a secret stood, the config may still say which variable of the environment has it.
  if (remembered !== null && !isHidden(remembered.tracking_uri)) return uriOf(remembered.tracking_uri, remembered);
  try {
    const uri = configOf(folder).mlflow.tracking_uri;
    if (uri !== null) return uri;
  } catch (cause) {
    if (remembered !== null) return remembered.tracking_uri;
    const message = `cannot read where ${folder} was tracked (${messageOf(cause)}); pass --tracking-uri <uri>`;
    throw new CrosscheckError('CROSSCHECK_SYNC_NO_RUN', message, { cause });
  }
  throw new CrosscheckError('CROSSCHECK_SYNC_NO_RUN', `${folder} was not tracked anywhere; pass --tracking-uri <uri>`);
}

function configOf(folder: string): TrainConfig {
  const configDir = findComposition(path.resolve(folder));
  return composeConfig({ configName: 'config', configDir, schema: trainConfigSchema }).config;
}

function logEveryStepsIn(folder: string): number | null {
  try {
    return configOf(folder).training.log_every_steps;
  } catch {
    return null;
  }
}

/** A password is never stored with a run: it comes from the environment, as MLflow has it. @throws CROSSCHECK_SYNC_LOGIN */
function loginFor(uri: string): string {
  if (!isHidden(uri)) return uri;
  const bare = withoutHiddenLogin(uri);
  if (bare !== null) return bare;
  throw new CrosscheckError(
    'CROSSCHECK_SYNC_LOGIN',
    `the run was tracked at ${uri}, whose secret is not stored; ${loginHint}`,
  );
}

/** What metrics.jsonl has and the run does not, for example after a kill. @returns how many points */
async function sendFigures(folder: string, uri: string, reports: readonly SyncReport[]): Promise<number> {
  const remembered = readRemembered(folder);
  const runId = reports.findLast(({ kept }) => kept === undefined)?.runId ?? remembered?.run_id;
  const logEverySteps = remembered?.log_every_steps ?? logEveryStepsIn(folder);
  if (runId === undefined || logEverySteps === null || !existsSync(path.join(folder, metricsFileName))) return 0;
  const store = await openTrackingStore(uri);
  try {
    const points = readPoints(folder, logEverySteps);
    const stored = await readStored(store, await store.getRun(runId));
    return await sendMissing(store, runId, { points, stored });
  } finally {
    store.close();
  }
}

/** Of a run; of any job, for the folder of a sweep, whose jobs are tracked in the same place. */
function findComposition(folder: string): string {
  const folders = [folder, ...readdirSync(folder).map((name) => path.join(folder, name))];
  const found = folders.map((each) => path.join(each, '.hydra')).find((each) => existsSync(each));
  return found ?? path.join(folder, '.hydra');
}

interface Synced {
  reports: readonly SyncReport[];
  figures: number;
  folder: string;
  uri: string;
}

function describe({ reports, figures, folder, uri }: Synced): string[] {
  const place = hideInValue(uri);
  if (reports.length === 0 && figures === 0) return [`nothing waits in ${folder}`];
  return [...reports.flatMap((report) => describeReport(report, place)), ...describeFigures(figures, place)];
}

const describeReport = ({ runId, records, refused, kept }: SyncReport, place: string) =>
  kept !== undefined
    ? [`not sent: ${kept}; --tracking-uri <uri> names the store that has the run`]
    : [
        `sent ${records} records of run ${runId} to ${place}`,
        ...refused.map(({ entries, message }) => `refused for good: ${entries} entries: ${message}`),
      ];

const describeFigures = (figures: number, place: string) =>
  figures === 0 ? [] : [`sent ${figures} figures that ${metricsFileName} has and the run had not to ${place}`];

function explain(cause: unknown): never {
  if (!isMlflowError(cause)) throw cause;
  const isLogin = cause.status === 401 || cause.status === 403;
  const code = isLogin ? 'CROSSCHECK_SYNC_LOGIN' : 'CROSSCHECK_SYNC_FAILED';
  const remedy = isLogin ? loginHint : 'run it again later';
  const message = `MLflow answered ${cause.errorCode}: ${cause.message}; what waits is kept; ${remedy}`;
  throw new CrosscheckError(code, message, { cause });
}
