import { isMlflowError } from '../errors.ts';
import type { LoggedOnnxModel } from '../models/log-onnx-model.ts';
import { openTrackingStore, type StoreOptions } from '../stores/open.ts';
import type { TrackingStore } from '../stores/tracking-store.ts';
import { createResender, resolveRun } from './delivery.ts';
import type { RunTarget } from './records.ts';
import { findSpools, readRecords, readSpool, removeSpool, tellFollowing, writeState } from './spool.ts';

/** What a sync did for one run. */
export interface SyncReport {
  runId: string;
  /** Records that arrived: batches of metrics, params and tags; artifacts; data sets; the end of the run. */
  records: number;
  /** Entries that the server refuses for good, with its words. */
  refused: { entries: number; message: string }[];
  models: LoggedOnnxModel[];
  /** Why nothing was sent, and all of it stays on the disk: the store does not have this run. */
  kept?: string;
}

/**
 * Sends what RunLoggers could not send, from the folder where they left it, and clears it; an empty list when there is nothing.
 *
 * Repeatable: an interrupted sync goes on where it stopped, into the same run.
 *
 * @throws MlflowError what the server says, or `CONNECTION_FAILED` when it cannot be reached.
 */
export async function syncSpool(folder: string, uri: string, options: StoreOptions = {}): Promise<SyncReport[]> {
  const store = await openTrackingStore(uri, options);
  try {
    const reports: SyncReport[] = [];
    for (const spool of await findSpools(folder)) reports.push(await sendSpool(spool, store));
    return reports;
  } finally {
    store.close();
  }
}

/** Sends one spool and removes it; one that belongs to another store stays. */
export async function sendSpool(folder: string, store: TrackingStore): Promise<SyncReport> {
  const { target, state } = await readSpool(folder);
  const known = state.runId ?? target.runId;
  if (known !== null && !(await hasRun(store, known))) return keep(folder, { known, target, store });
  const runId = await resolveRun(store, { ...target, runId: known });
  await writeState(folder, { runId, sentLines: state.sentLines });
  const report: SyncReport = { runId, records: 0, refused: [], models: [] };
  const onRefused = (entries: number, message: string) => void report.refused.push({ entries, message });
  const onModel = (model: LoggedOnnxModel) => void report.models.push(model);
  const send = createResender({ store, runId, onRefused, onModel });
  for await (const { record, line } of readRecords(folder, state.sentLines)) {
    await send(record);
    await writeState(folder, { runId, sentLines: line });
    report.records += 1;
  }
  await tellFollowing(folder, runId);
  await removeSpool(folder);
  return report;
}

/** False only when a store that answers says so. */
async function hasRun(store: TrackingStore, runId: string): Promise<boolean> {
  try {
    await store.getRun(runId);
    return true;
  } catch (error) {
    if (isMlflowError(error, 'RESOURCE_DOES_NOT_EXIST')) return false;
    throw error;
  }
}

function keep(folder: string, where: { known: string; target: RunTarget; store: TrackingStore }): SyncReport {
  const { known, target, store } = where;
  const belongs = target.uri === undefined ? 'it is in another store' : `it was tracked in ${target.uri}`;
  const kept = `run ${known} is not in ${store.uri} (${belongs}); what waits for it stays in ${folder}`;
  return { runId: known, records: 0, refused: [], models: [], kept };
}
