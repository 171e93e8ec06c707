import { execFile, spawn } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { repositoryRoot } from '@crosscheck/testkit';

/** What `fixtures/*.json` were made with. */
const hydraRequirements = ['hydra-core==1.3.8', 'omegaconf==2.3.1'];

/** The interpreter of an environment that holds real Hydra; made once per user. */
export async function hydraPython(): Promise<string> {
  const script = path.join(repositoryRoot, 'scripts/python-env.mjs');
  const { stdout } = await promisify(execFile)(process.execPath, [script, 'hydra', ...hydraRequirements]);
  return stdout.trim();
}

export interface Outcome {
  raw?: unknown;
  resolved?: unknown;
  error?: string;
  resolveError?: string;
}

export interface Request {
  dir: string;
  cases: { config: string; overrides: string[] }[];
}

/** Composes with real Hydra in one process. */
export function composeWithHydra(python: string, request: Request): Promise<Outcome[]> {
  return ask(python, 'compose.py', request);
}

/** Reads YAML with PyYAML and with OmegaConf; every scalar comes as its type's name and its text. */
export function readWithPython(python: string, texts: string[]): Promise<{ pyyaml: unknown; omegaconf: unknown }[]> {
  return ask(python, 'read_yaml.py', texts);
}

function ask<T>(python: string, script: string, request: unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    const child = spawn(python, [path.join(import.meta.dirname, script)], { stdio: ['pipe', 'pipe', 'pipe'] });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve(JSON.parse(stdout) as T) : reject(new Error(stderr))));
    child.stdin.end(JSON.stringify(request));
  });
}
