import type { LoggedOnnxModel } from '../models/log-onnx-model.ts';
import { openTrackingStore, type StoreOptions } from '../stores/open.ts';
import type { TrackingStore } from '../stores/tracking-store.ts';
import { deliver, resolveRun } from './delivery.ts';
import { findSpools, readRecords, readSpool, removeSpool, writeState } from './spool.ts';

/** What a sync did for one run. */
export interface SyncReport {
  runId: string;
  /** Records that arrived: batches of metrics, params and tags; artifacts; data sets; the end of the run. */
  records: number;
  /** Entries that the server refuses for good, with its words. */
  refused: { entries: number; message: string }[];
  models: LoggedOnnxModel[];
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

async function sendSpool(folder: string, store: TrackingStore): Promise<SyncReport> {
  const { target, state } = await readSpool(folder);
  const runId = await resolveRun(store, { ...target, runId: state.runId ?? target.runId });
  await writeState(folder, { runId, sentLines: state.sentLines });
  const report: SyncReport = { runId, records: 0, refused: [], models: [] };
  const onRefused = (entries: number, message: string) => void report.refused.push({ entries, message });
  const onModel = (model: LoggedOnnxModel) => void report.models.push(model);
  for await (const { record, line } of readRecords(folder, state.sentLines)) {
    await deliver({ store, runId, onRefused, onModel }, record);
    await writeState(folder, { runId, sentLines: line });
    report.records += 1;
  }
  await removeSpool(folder);
  return report;
}
