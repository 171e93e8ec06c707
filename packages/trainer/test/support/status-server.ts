import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { onTestFinished } from 'vitest';

/** What the controller keeps of a request: `trainerStatus` of the TrainJob. */
export interface TrainerStatus {
  progressPercentage?: number;
  estimatedRemainingSeconds?: number;
  metrics?: { name: string; value: string }[];
  lastUpdatedTime?: string;
}

export const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

/** The path of a TrainJob, as kubeflow/trainer's pkg/statusserver/utils.go makes it. */
export const statusPath = '/apis/trainer.kubeflow.org/v1alpha1/namespaces/news/trainjobs/crosscheck/status';

/**
 * Kubeflow Trainer's status server as of v2.3 (pkg/statusserver/server.go and the schema of TrainJob's status): TLS with a certificate authority of its own,
 * a bearer token, 403, 404 and 422 as Kubernetes Status, and the whole status replaced by each request.
 */
export async function startStatusServer(dir: string) {
  const files = makeCertificates(dir);
  const tokenFile = path.join(dir, 'token');
  writeFileSync(tokenFile, 'first\n');
  const state = { token: 'first', statuses: [] as TrainerStatus[], refused: [] as number[], delayMs: 0 };
  const server = createServer(
    { key: readFileSync(files.key), cert: readFileSync(files.certificate) },
    (request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        const [code, body] = answer(
          state.token,
          request.url ?? '',
          request.headers.authorization,
          Buffer.concat(parts),
        );
        if (code === 200) state.statuses.push((body as { trainerStatus: TrainerStatus }).trainerStatus);
        else state.refused.push(code);
        setTimeout(
          () => response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
          state.delayMs,
        );
      });
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = () => {
    server.closeAllConnections();
    server.close();
  };
  onTestFinished(stop);
  const url = `https://localhost:${(server.address() as AddressInfo).port}${statusPath}`;
  const env = {
    KUBEFLOW_TRAINER_SERVER_URL: url,
    KUBEFLOW_TRAINER_SERVER_CA_CERT: files.authority,
    KUBEFLOW_TRAINER_SERVER_TOKEN: tokenFile,
  };
  return { state, env, tokenFile, stop };
}

type Answer = [code: number, body: object];
const refuse = (code: number, reason: string, message: string): Answer => [
  code,
  { status: 'Failure', message, reason, code },
];

function answer(token: string, url: string, authorization: string | undefined, body: Buffer): Answer {
  if (url !== statusPath) return refuse(404, 'NotFound', 'Not found');
  if (authorization !== `Bearer ${token}`) return refuse(403, 'Forbidden', 'Forbidden');
  if (body.length > 1 << 16) return refuse(413, 'RequestEntityTooLarge', 'Payload too large');
  let parsed: { trainerStatus?: TrainerStatus };
  try {
    parsed = JSON.parse(body.toString()) as { trainerStatus?: TrainerStatus };
  } catch {
    return refuse(422, 'Invalid', 'Invalid payload');
  }
  const problem = parsed.trainerStatus ? invalid(parsed.trainerStatus) : null;
  return problem === null ? [200, parsed] : refuse(422, 'Invalid', problem);
}

const isText = (value: unknown) => typeof value === 'string' && value.length >= 1 && value.length <= 64;
const isWhole = (value: unknown, least: number, most: number) =>
  value === undefined || (Number.isInteger(value) && (value as number) >= least && (value as number) <= most);

/** The rules of `.status.trainerStatus` in manifests/base/crds/trainer.kubeflow.org_trainjobs.yaml. */
function invalid({ progressPercentage, estimatedRemainingSeconds, metrics = [], lastUpdatedTime }: TrainerStatus) {
  if (!isWhole(progressPercentage, 0, 100)) return 'status.trainerStatus.progressPercentage is not valid';
  if (!isWhole(estimatedRemainingSeconds, 0, 2 ** 31 - 1)) return 'estimatedRemainingSeconds is not valid';
  if (metrics.length > 256) return 'too many metrics';
  if (metrics.some(({ name, value }) => !isText(name) || !isText(value))) return 'a metric is not valid';
  if (Number.isNaN(Date.parse(lastUpdatedTime ?? ''))) return 'lastUpdatedTime is required';
  return null;
}

function makeCertificates(dir: string) {
  const file = (name: string) => path.join(dir, name);
  const openssl = (...args: string[]) => {
    const { status, stderr } = spawnSync('openssl', args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`openssl ${args.join(' ')}: ${stderr}`);
  };
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...key,
    '-keyout',
    file('ca.key'),
    '-out',
    file('ca.crt'),
    '-days',
    '2',
    '-subj',
    '/CN=trainer',
  );
  openssl('req', ...key, '-keyout', file('tls.key'), '-out', file('tls.csr'), '-subj', '/CN=localhost');
  writeFileSync(file('names'), 'subjectAltName=DNS:localhost\n');
  const signed = ['-CA', file('ca.crt'), '-CAkey', file('ca.key'), '-CAcreateserial', '-extfile', file('names')];
  openssl('x509', '-req', '-in', file('tls.csr'), '-out', file('tls.crt'), '-days', '2', ...signed);
  return { authority: file('ca.crt'), key: file('tls.key'), certificate: file('tls.crt') };
}
