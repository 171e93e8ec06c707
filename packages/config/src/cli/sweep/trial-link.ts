import { once } from 'node:events';

/** What a trial of a search tells of an epoch. */
export interface EpochReport {
  /** Epochs that are finished. */
  epoch: number;
  metrics: Record<string, number>;
}

/** Tells the search of an epoch. @returns true when the trial should end, because others were better */
export type ReportEpoch = (report: EpochReport) => Promise<boolean>;

/** The trial's end of the channel to the search that started it. A search that is gone ends nothing: the trial goes on by itself. */
export const reportEpoch: ReportEpoch = async (report) => {
  if (process.send === undefined || !process.connected) return false;
  const waiting = new AbortController();
  const answer = Promise.race([
    once(process, 'message', waiting).then(([{ prune }]) => prune as boolean),
    once(process, 'disconnect', waiting).then(() => false),
  ]);
  try {
    process.channel?.ref();
    process.send(report);
    return await answer;
  } finally {
    waiting.abort();
    // Between reports the channel holds nothing up.
    process.channel?.unref();
  }
};
