import type { ServeSettings } from '../serve-settings.ts';

/** What the supervisor tells a process that answers requests. */
export type Order =
  | { type: 'start'; settings: ServeSettings; isReplacement: boolean; history: ReloadHistory }
  | { type: 'history'; history: ReloadHistory }
  /** Nobody else has the socket any more: answer probes while the model loads. */
  | { type: 'listen' }
  /** Another process takes new connections; finish those that are open. */
  | { type: 'retire' }
  /** The service ends: finish what is in flight. */
  | { type: 'drain'; reason: string };

/** What such a process tells the supervisor. */
export type Report = { type: 'ready' } | { type: 'failed'; failure: { code: string; message: string } };

/** What became of the processes before, since the service started. */
export interface ReloadHistory {
  /** Models that were taken up. */
  reloads: number;
  /** Models that were refused. */
  failures: number;
  /** Processes that ended without being told to. */
  crashes: number;
  /** Why the last model was refused; null once one is taken up. */
  lastFailure: { code: string; message: string } | null;
}

export const noHistory: ReloadHistory = { reloads: 0, failures: 0, crashes: 0, lastFailure: null };
