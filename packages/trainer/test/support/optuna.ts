import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { repositoryRoot } from '@crosscheck/testkit';

/** The interpreter of an environment that holds real Optuna of a version; made once per user. */
export async function optunaPython(version: string): Promise<string> {
  const script = path.join(repositoryRoot, 'scripts/python-env.mjs');
  const { stdout } = await promisify(execFile)(process.execPath, [script, 'optuna', `optuna==${version}`]);
  return stdout.trim();
}
