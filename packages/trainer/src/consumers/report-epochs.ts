import type { ReportEpoch, TrialFate } from '@crosscheck/config';
import type { Consumer } from '../loop/events.ts';

export interface SearchReports extends Consumer {
  /** Whether the search has ended the run, and why. */
  fate(): TrialFate;
}

/** Tells the search that this run is a trial of about every epoch; it may end the run. Undefined outside of a search. */
export function reportEpochs(report: ReportEpoch | undefined): SearchReports {
  let fate: TrialFate = 'goes on';
  return {
    async on(event) {
      if (event.kind !== 'epoch' || report === undefined) return;
      const { metrics, position } = event;
      fate = await report({ epoch: position.totalEpochs, metrics });
      return fate === 'goes on' ? undefined : 'stop-run';
    },
    fate: () => fate,
  };
}
