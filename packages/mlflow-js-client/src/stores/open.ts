import { type ConnectionOptions, withoutUser } from '../connection.ts';
import { MlflowError } from '../errors.ts';
import { openFileStore } from './file/store.ts';
import { openRestStore } from './rest-store.ts';
import { openSqliteStore } from './sqlite/store.ts';
import type { TrackingStore } from './tracking-store.ts';

export interface StoreOptions extends ConnectionOptions {
  /** Folder for the artifacts of experiments that a SQLite store makes; default `./mlruns`, as MLflow's. */
  artifactRoot?: string | undefined;
}

/** MLflow's own default. */
const DEFAULT_URI = 'sqlite:///mlflow.db';

/**
 * Opens the store that a tracking URI names: `http(s)://…` (a server), `sqlite:///mlflow.db` (a file, Node 22.13 or newer), or a folder
 * (`./mlruns`, `file:///…`). Default: `MLFLOW_TRACKING_URI`, then `sqlite:///mlflow.db`.
 *
 * No server is contacted before the first call.
 *
 * @throws MlflowError `UNSUPPORTED_URI`, `UNSUPPORTED_RUNTIME`, or `INVALID_STATE` for a database that is not MLflow's or too old.
 */
export async function openTrackingStore(
  uri: string = process.env['MLFLOW_TRACKING_URI'] || DEFAULT_URI,
  options: StoreOptions = {},
): Promise<TrackingStore> {
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(uri)?.[1]?.toLowerCase() ?? '';
  if (scheme === 'http' || scheme === 'https') return openRestStore(uri, options);
  if (/^sqlite(\+pysqlite)?$/.test(scheme)) return openSqliteStore(uri, options.artifactRoot ?? 'mlruns');
  if (scheme === '' || scheme === 'file') return openFileStore(uri);
  const message = `expected http(s)://host, sqlite:///file.db, file:///folder or a folder as tracking URI, got "${withoutUser(uri)}"`;
  throw new MlflowError('UNSUPPORTED_URI', message);
}
