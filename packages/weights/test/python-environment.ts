import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';
import { repositoryRoot } from '@crosscheck/testkit';

interface PythonCall {
  code: string;
  args?: string[];
  env?: Record<string, string>;
}

/** Runs Python code with the given packages from PyPI (installed once per user) and returns what it printed. */
export async function runPython(name: string, requirements: string[], call: PythonCall): Promise<string> {
  const script = `${repositoryRoot}/scripts/python-env.mjs`;
  const python = execFileSync(process.execPath, [script, name, ...requirements], { encoding: 'utf8' }).trim();
  const env = { ...process.env, ...call.env };
  const { stdout } = await promisify(execFile)(python, ['-c', call.code, ...(call.args ?? [])], {
    encoding: 'utf8',
    env,
  });
  return stdout;
}
