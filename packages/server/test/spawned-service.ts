import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import { repositoryRoot } from '@crosscheck/testkit';
import { formType } from './forms.ts';

/** `pnpm serve` as its users run it, in a folder of its own. */
export interface SpawnedService {
  url: URL;
  child: ChildProcess;
  /** The line that says where it answers. */
  banner: string;
  stdout(): string;
  stderr(): string;
  /** Sends a signal and waits for the end; the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
  /** One number of /metrics. */
  metric(name: string): Promise<number>;
}

export async function spawnService(cwd: string, overrides: string[]): Promise<SpawnedService> {
  const entry = `${repositoryRoot}/packages/server/src/bin/serve.ts`;
  const args = ['--conditions=@crosscheck/source', entry, 'serve.port=0', 'serve.host=127.0.0.1', ...overrides];
  const child = spawn(process.execPath, args, {
    cwd,
    env: { ...process.env, TMPDIR: cwd },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  const ended = once(child, 'exit');
  const banner = await Promise.race([lineOf(child, /answers at/), ended.then(() => null)]);
  if (banner === null) throw new Error(`the service did not start: ${stderr}`);
  const url = new URL(/http:\/\/[\d.:]+/.exec(banner)?.[0] as string);
  return {
    url,
    child,
    banner,
    stdout: () => stdout,
    stderr: () => stderr,
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      const [code] = (await ended) as [number | null];
      return code;
    },
    async metric(name) {
      const { body } = await send(url, { path: '/metrics' });
      return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(body)?.[1]);
    },
  };
}

function lineOf(child: ChildProcess, pattern: RegExp): Promise<string> {
  let text = '';
  return new Promise((resolve) => {
    child.stdout?.on('data', (chunk: string) => {
      text += chunk;
      const line = text.split('\n').find((candidate) => pattern.test(candidate));
      if (line !== undefined) resolve(line);
    });
  });
}

export interface Sent {
  path: string;
  method?: string;
  headers?: Record<string, string>;
  body?: Uint8Array | string;
}

export interface Received {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: string;
}

/** One request on a connection of its own; rejects when there is no answer. */
export function send(url: URL, { path, method = 'GET', headers = {}, body }: Sent): Promise<Received> {
  return new Promise((resolve, reject) => {
    const request = http.request(
      { host: url.hostname, port: url.port, path, method, headers, agent: false },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }));
        response.on('error', reject);
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

export function sendForm(url: URL, body: Uint8Array, path = '/predict'): Promise<Received> {
  return send(url, { path, method: 'POST', headers: { 'content-type': formType }, body });
}
