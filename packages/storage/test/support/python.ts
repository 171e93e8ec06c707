import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { repositoryRoot } from '@crosscheck/testkit';

const run = promisify(execFile);

/** Installing an environment for the first time takes a minute. */
export const installTimeoutMs = 600_000;

/** The interpreter of a cached environment with these packages. */
export async function pythonWith(name: string, ...requirements: string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [`${repositoryRoot}/scripts/python-env.mjs`, name, ...requirements]);
  return stdout.trim();
}
