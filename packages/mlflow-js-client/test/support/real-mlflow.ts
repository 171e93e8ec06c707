import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { fetchWhole } from '../../../http-client/src/index.ts';

const run = promisify(execFile);
const repositoryRoot = resolve(import.meta.dirname, '../../../..');
const REQUIREMENTS = ['mlflow==3.17.2', 'onnx==1.23.2', 'onnxruntime==1.31.1'];
const QUIET = {
  MLFLOW_DISABLE_TELEMETRY: 'true',
  MLFLOW_ALLOW_FILE_STORE: 'true',
  MLFLOW_SERVER_ENABLE_JOB_EXECUTION: 'false',
  ORT_DISABLE_TELEMETRY: '1',
  PYTHONWARNINGS: 'ignore',
};

/** Installing MLflow for the first time takes minutes. */
export const INSTALL_TIMEOUT_MS = 900_000;
const START_TIMEOUT_MS = 90_000;

let python: Promise<string> | undefined;

/** The interpreter of an environment with the real MLflow, made on first use. */
export function findPython(): Promise<string> {
  const script = join(repositoryRoot, 'scripts/python-env.mjs');
  python ??= run(process.execPath, [script, 'mlflow', ...REQUIREMENTS]).then(({ stdout }) => stdout.trim());
  return python;
}

/** A Python process with MLflow imported, which takes seconds, so that many readings share it. */
export interface PythonReader {
  /** Runs code against a tracking URI (`mlflow` and `client` are there) and returns what it leaves in `result`. */
  read<T>(trackingUri: string, code: string): Promise<T>;
  stop(): void;
}

const READER = `
import json, sys, traceback, mlflow
replies, sys.stdout = sys.stdout, sys.stderr
for line in sys.stdin:
    request = json.loads(line)
    try:
        mlflow.set_tracking_uri(request['uri'])
        scope = {'json': json, 'mlflow': mlflow, 'client': mlflow.MlflowClient(), 'result': None}
        exec(request['code'], scope)
        reply = {'result': scope['result']}
        text = json.dumps(reply)
    except Exception:
        text = json.dumps({'error': traceback.format_exc()})
    print(text, file=replies, flush=True)
`;

export async function startPython(cwd: string): Promise<PythonReader> {
  const interpreter = await findPython();
  const child = spawn(interpreter, ['-c', READER], {
    cwd,
    env: environment(interpreter),
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const replies = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async read<T>(uri: string, code: string) {
      child.stdin.write(`${JSON.stringify({ uri, code })}\n`);
      const { value } = (await replies.next()) as { value: string };
      const { result, error } = JSON.parse(value) as { result: T; error?: string };
      if (error !== undefined) throw new Error(error);
      return result;
    },
    stop: () => void child.kill(),
  };
}

export interface RealServer {
  url: string;
  stop(): Promise<void>;
}

/** Starts `mlflow <command> …` on a free loopback port and waits until it answers. */
export async function startMlflow(
  command: 'server' | 'ui' | 'models',
  args: readonly string[],
  cwd: string,
  env: Record<string, string> = {},
): Promise<RealServer> {
  const interpreter = await findPython();
  const port = await findFreePort();
  const child = spawn(
    join(dirname(interpreter), 'mlflow'),
    [command, ...args, '--port', String(port), '--workers', '1'],
    {
      cwd,
      env: { ...environment(interpreter), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => (output += part.toString()));
  const url = `http://127.0.0.1:${port}`;
  // Its workers are in the group that it leads, and nothing else is.
  const stop = async () => {
    const exited = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : Promise.resolve();
    if (child.pid !== undefined) killGroup(child.pid, 'SIGTERM');
    await Promise.race([exited, sleep(5000)]);
    if (child.pid !== undefined) killGroup(child.pid, 'SIGKILL');
  };
  if (await waitForHealth(url, () => child.exitCode !== null)) return { url, stop };
  await stop();
  throw new Error(`mlflow ${command} did not start:\n${output.slice(-3000)}`);
}

function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended.
  }
}

async function waitForHealth(url: string, hasEnded: () => boolean): Promise<boolean> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline && !hasEnded()) {
    const isUp = await fetchWhole(`${url}/health`).then(
      (response) => response.ok,
      () => false,
    );
    if (isUp) return true;
    await sleep(150);
  }
  return false;
}

function environment(interpreter: string): NodeJS.ProcessEnv {
  // `mlflow` starts uvicorn by name.
  return { ...process.env, ...QUIET, PATH: `${dirname(interpreter)}:${process.env['PATH'] ?? ''}` };
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
