import { isAbsolute } from 'node:path';
import { MlflowError } from '../errors.ts';
import { createTransport, type Transport } from '../rest/transport.ts';
import type { ArtifactStore } from './artifact-store.ts';
import { openLocalArtifacts } from './local-artifacts.ts';
import { openProxiedArtifacts } from './proxied-artifacts.ts';
import { openRunArtifacts } from './run-artifacts.ts';

/**
 * Opens the files below an artifact URI: `mlflow-artifacts:` through the server, `file:` and absolute paths directly.
 * Anything else needs a run, because only the server can reach it.
 */
export function openArtifacts(uri: string, transport: Transport, runId?: string): ArtifactStore {
  if (uri.startsWith('mlflow-artifacts:')) return openProxiedArtifacts(uri, transportFor(uri, transport));
  if (uri.startsWith('file:') || isAbsolute(uri)) return openLocalArtifacts(uri);
  if (runId !== undefined) return openRunArtifacts(uri, runId, transport);
  const message = `artifacts at "${uri}" cannot be reached from here: expected mlflow-artifacts:/… or file:…; start the server with --serve-artifacts`;
  throw new MlflowError('UNSUPPORTED_URI', message);
}

/** `mlflow-artifacts://host:port/…` names another server than the tracking one; scheme and credentials stay. */
function transportFor(uri: string, transport: Transport): Transport {
  const { host } = new URL(uri);
  const tracking = new URL(transport.connection.baseUrl);
  if (host === '' || host === tracking.host) return transport;
  return createTransport({ ...transport.connection, baseUrl: `${tracking.protocol}//${host}` });
}
