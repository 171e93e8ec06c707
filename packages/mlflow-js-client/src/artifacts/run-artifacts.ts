import { MlflowError } from '../errors.ts';
import type { Transport } from '../rest/transport.ts';
import { encodeArtifactPath, normaliseArtifactPath, normaliseFilePath } from './artifact-path.ts';
import type { ArtifactSource, ArtifactStore } from './artifact-store.ts';
import { parseFile, readSource, sizeOfFile, type WireFile } from './proxied-artifacts.ts';

// The size that the endpoint behind MLflow's own web page takes (mlflow/server/handlers.py, upload_artifact_handler).
const LARGEST_UPLOAD_BYTES = 10 * 1024 * 1024;

/**
 * Artifacts of a run whose root only the server can reach (`s3://`, `gs://`, `hdfs://`, …): it lists and hands out everything, but takes
 * files of at most 10 MiB.
 */
export function openRunArtifacts(uri: string, runId: string, transport: Transport): ArtifactStore {
  return {
    uri,
    async upload(source, artifactPath, options) {
      const path = normaliseFilePath(artifactPath);
      checkSize(await sizeOf(source), uri, path);
      await transport.json({
        method: 'POST',
        path: '/ajax-api/2.0/mlflow/upload-artifact',
        query: { run_uuid: runId, path },
        signal: options?.signal,
        ...(await readSource(source)),
      });
    },
    open: (artifactPath) =>
      transport.open({
        method: 'GET',
        path: '/get-artifact',
        query: { run_uuid: runId, path: normaliseFilePath(artifactPath) },
      }),
    async list(artifactPath = '') {
      const query = { run_id: runId, path: normaliseArtifactPath(artifactPath) || undefined };
      const path = '/api/2.0/mlflow/artifacts/list';
      const { files = [] } = await transport.json<{ files?: WireFile[] }>({ method: 'GET', path, query });
      return files.map((file) => parseFile(file, file.path));
    },
  };
}

async function sizeOf(source: ArtifactSource): Promise<number> {
  if (typeof source === 'string') return sizeOfFile(source);
  return source instanceof Uint8Array ? source.length : Buffer.byteLength(source.text);
}

function checkSize(sizeBytes: number, uri: string, path: string): void {
  if (sizeBytes <= LARGEST_UPLOAD_BYTES) return;
  const message =
    `cannot upload ${encodeArtifactPath(path)} (${sizeBytes} bytes) to ${uri}: only the server can reach it, and without artifact ` +
    `proxying it takes files of at most ${LARGEST_UPLOAD_BYTES} bytes; start it with --serve-artifacts --artifacts-destination ${new URL(uri).protocol}//…`;
  throw new MlflowError('UNSUPPORTED_URI', message);
}
