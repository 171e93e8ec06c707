import { once } from 'node:events';

/** What a trial of a search tells of an epoch. */
export interface EpochReport {
  /** Epochs that are finished. */
  epoch: number;
  metrics: Record<string, number>;
}

/** What becomes of a trial after an epoch: it ends when others were better, or when nobody waits for it any more. */
export type TrialFate = 'goes on' | 'pruned' | 'abandoned';

/** Tells the search of an epoch. */
export type ReportEpoch = (report: EpochReport) => Promise<TrialFate>;

/** The trial's end of the channel to the search that started it. */
export const reportEpoch: ReportEpoch = async (report) => {
  if (process.send === undefined || !process.connected) return 'abandoned';
  const waiting = new AbortController();
  const answer = Promise.race([
    once(process, 'message', waiting).then(([fate]) => fate as TrialFate),
    once(process, 'disconnect', waiting).then((): TrialFate => 'abandoned'),
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
