import { execFile, type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { repositoryRoot } from '@crosscheck/testkit';
import { readPackageManager } from '../../scripts/fetch-pnpm.mjs';

export const isInstalled = (command: string) => spawnSync('sh', ['-c', `command -v ${command}`]).status === 0;

/** Runs a program in the repository; fails with what it printed. */
export function run(command: string, args: string[], cwd: string = repositoryRoot): string {
  const done: SpawnSyncReturns<string> = spawnSync(command, args, { cwd, encoding: 'utf8', maxBuffer: 1 << 28 });
  if (done.status !== 0)
    throw new Error(`${command} ${args.join(' ')}: ${done.error?.message ?? ''}\n${done.stdout}${done.stderr}`);
  return done.stdout;
}

/** The same for minutes of work, without holding up the test runner. */
export async function runLong(command: string, args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(command, args, { cwd: repositoryRoot, maxBuffer: 1 << 28 });
  return stdout;
}

/** Python with packages, as scripts/python-env.mjs makes it. */
export function python(name: string, ...requirements: string[]): string {
  return run(process.execPath, ['scripts/python-env.mjs', name, ...requirements]).trim();
}

/** The pinned pnpm that the bootstrap fetched, or the one on the PATH. */
export function pnpm(args: string[], cwd: string): string {
  const { version } = readPackageManager();
  const script = path.join(repositoryRoot, `node_modules/.cache/pnpm-${version}`, 'node_modules/pnpm/bin/pnpm.cjs');
  return existsSync(script) ? run(process.execPath, [script, ...args], cwd) : run('pnpm', args, cwd);
}

interface Manifest {
  name: string;
  dependencies?: Record<string, string>;
}

/** Folders of the workspace packages that some of them need to run, themselves included. */
export function productionPackages(...roots: string[]): string[] {
  const folders = readdirSync(`${repositoryRoot}/packages`).filter((folder) =>
    existsSync(`${repositoryRoot}/packages/${folder}/package.json`),
  );
  const manifests = new Map(
    folders.map((folder) => {
      const text = readFileSync(`${repositoryRoot}/packages/${folder}/package.json`, 'utf8');
      return [folder, JSON.parse(text) as Manifest];
    }),
  );
  const folderOf = new Map([...manifests].map(([folder, { name }]) => [name, folder]));
  const found = new Set(roots);
  for (const folder of found) {
    const needs = Object.keys(manifests.get(folder)?.dependencies ?? {});
    for (const name of needs) if (folderOf.has(name)) found.add(folderOf.get(name) as string);
  }
  return [...found].toSorted();
}
