import type { ConnectionOptions } from '../connection.ts';
import { MlflowError } from '../errors.ts';
import { openRestStore } from './rest-store.ts';
import type { TrackingStore } from './tracking-store.ts';

/** Opens the store that a tracking URI names. */
export async function openTrackingStore(uri: string, options: ConnectionOptions = {}): Promise<TrackingStore> {
  if (/^https?:/.test(uri)) return openRestStore(uri, options);
  throw new MlflowError('UNSUPPORTED_URI', `no tracking store for "${uri}"`);
}
