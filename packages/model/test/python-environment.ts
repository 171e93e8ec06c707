import { execFileSync } from 'node:child_process';
import { repositoryRoot } from '@crosscheck/testkit';

/** Runs Python code with the given packages from PyPI (installed once per user) and returns what it printed. */
export function runPython(name: string, requirements: string[], { code, args = [], env = {} }: PythonCall): string {
  const script = `${repositoryRoot}/scripts/python-env.mjs`;
  const python = execFileSync(process.execPath, [script, name, ...requirements], { encoding: 'utf8' }).trim();
  return execFileSync(python, ['-c', code, ...args], { encoding: 'utf8', env: { ...process.env, ...env } });
}

interface PythonCall {
  code: string;
  args?: string[];
  env?: Record<string, string>;
}
