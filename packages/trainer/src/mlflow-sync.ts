import { stat } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { composeConfig, trainConfigSchema } from '@crosscheck/config';
import { CrosscheckError, isCrosscheckError, messageOf } from '@crosscheck/contract';
import { isMlflowError, type SyncReport, syncSpool } from 'mlflow-js-client';

const help = `Sends to MLflow what a run could not send while it went on.

Usage: pnpm mlflow:sync <run folder> [--tracking-uri <uri>]

By default it goes where the run was tracked: mlflow.tracking_uri in <run folder>/.hydra/config.yaml.
`;

/** The whole `mlflow:sync` command; errors go to stderr and set the exit code. */
export async function runSync(argv: string[]): Promise<void> {
  try {
    const { positionals, values } = parseArgs({
      args: argv,
      allowPositionals: true,
      options: { 'tracking-uri': { type: 'string' }, help: { type: 'boolean', default: false } },
    });
    const folder = positionals[0];
    if (values.help || folder === undefined) {
      process.stdout.write(help);
      if (!values.help) process.exitCode = 1;
      return;
    }
    await requireFolder(folder);
    const uri = values['tracking-uri'] ?? trackingUriOf(folder);
    for (const line of describe(await syncSpool(folder, uri), folder, uri)) process.stdout.write(`${line}\n`);
  } catch (error) {
    process.stderr.write(`${explain(error)}\n`);
    process.exitCode = 1;
  }
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
  const configDir = path.join(path.resolve(folder), '.hydra');
  try {
    const { config } = composeConfig({ configName: 'config', configDir, schema: trainConfigSchema });
    if (config.mlflow.tracking_uri !== null) return config.mlflow.tracking_uri;
  } catch (cause) {
    const message = `cannot read where ${folder} was tracked (${messageOf(cause)}); pass --tracking-uri <uri>`;
    throw new CrosscheckError('CROSSCHECK_SYNC_NO_RUN', message, { cause });
  }
  throw new CrosscheckError('CROSSCHECK_SYNC_NO_RUN', `${folder} was not tracked anywhere; pass --tracking-uri <uri>`);
}

function describe(reports: readonly SyncReport[], folder: string, uri: string): string[] {
  if (reports.length === 0) return [`nothing waits in ${folder}`];
  return reports.flatMap(({ runId, records, refused }) => [
    `sent ${records} records of run ${runId} to ${uri}`,
    ...refused.map(({ entries, message }) => `refused for good: ${entries} entries: ${message}`),
  ]);
}

function explain(error: unknown): string {
  if (isCrosscheckError(error)) return `${error.code}: ${error.message}`;
  if (isMlflowError(error))
    return `MLflow: ${error.errorCode}: ${error.message}; what waits is kept, run it again later`;
  return messageOf(error);
}
