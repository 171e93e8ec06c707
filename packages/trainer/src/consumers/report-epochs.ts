import type { ReportEpoch } from '@crosscheck/config';
import type { Consumer } from '../loop/events.ts';

export interface SearchReports extends Consumer {
  /** The search ended the run, because others were better after as many epochs. */
  isPruned(): boolean;
}

/** Tells the search that this run is a trial of about every epoch; it may end the run. Undefined outside of a search. */
export function reportEpochs(report: ReportEpoch | undefined): SearchReports {
  let isPruned = false;
  return {
    async on(event) {
      if (event.kind !== 'epoch' || report === undefined) return;
      const { metrics, position } = event;
      isPruned = await report({ epoch: position.totalEpochs, metrics });
      return isPruned ? 'stop-run' : undefined;
    },
    isPruned: () => isPruned,
  };
}
