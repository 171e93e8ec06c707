import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { type Document, parseAllDocuments } from 'yaml';
import { fetchWhole } from '../../packages/http-client/src/index.ts';

// Runs where cgroups are old or resource limits may not be raised; deploy/images/engine.sh says the same to the build.
const engineConf = path.join(tmpdir(), 'crosscheck-containers.conf');
const settings =
  '[containers]\ndefault_ulimits = ["nofile=1000:1000", "nproc=1000:1000"]\n[engine]\nruntime = "runc"\n';

const execute = promisify(execFile);

/** Runs podman and returns what it prints. */
export async function podman(...args: string[]): Promise<string> {
  writeFileSync(engineConf, settings);
  const env = { ...process.env, CONTAINERS_CONF: process.env['CONTAINERS_CONF'] ?? engineConf };
  const { stdout } = await execute('podman', args, { env, timeout: 120_000 });
  return stdout.trim();
}

/** A pod of the deployment in a manifest, as `podman kube play` runs it. */
export interface Pod {
  manifest: string;
  container: string;
  url: string;
}

export interface Replica {
  name: string;
  hostPort: number;
  /** Another image than the manifest's. */
  image?: string;
}

/**
 * The manifest with its deployment under another name and on another port of this machine, so that several run side by side as replicas would;
 * nothing else differs.
 */
export function asReplica(manifest: string, { name, hostPort, image }: Replica): string {
  const documents = parseAllDocuments(manifest) as Document[];
  const container = ['spec', 'template', 'spec', 'containers', 0];
  for (const document of documents.filter((candidate) => candidate.get('kind') === 'Deployment')) {
    document.setIn(['metadata', 'name'], name);
    document.setIn([...container, 'ports', 0, 'hostPort'], hostPort);
    if (image !== undefined) document.setIn([...container, 'image'], image);
  }
  return documents.map(String).join('---\n');
}

/** Starts the deployment of a manifest file. */
export async function play(manifest: string, name: string): Promise<Pod> {
  await podman('kube', 'play', manifest);
  const infra = await podman('pod', 'inspect', `${name}-pod-0`, '--format', '{{.InfraContainerID}}');
  const networks = '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}';
  const address = await podman('inspect', infra, '--format', networks);
  return { manifest, container: `${name}-pod-0-crosscheck`, url: `http://${address}:8000` };
}

/** SIGTERM, then SIGKILL after the grace period; the exit code of the service. */
export async function terminate({ container }: Pod, graceSeconds: number): Promise<number> {
  await podman('stop', '--time', String(graceSeconds), container);
  return Number(await podman('inspect', container, '--format', '{{.State.ExitCode}}'));
}

export async function takeDown({ manifest }: Pod): Promise<void> {
  await podman('kube', 'down', manifest);
}

export async function untilReady({ url, container }: Pod, seconds = 120): Promise<void> {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; ) {
    const ready = await fetchWhole(`${url}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (ready) return;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  throw new Error(`${url} was not ready within ${seconds} s: ${await podman('logs', container)}`);
}
