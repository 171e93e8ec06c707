import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { CrosscheckError } from '@crosscheck/contract';
import { homeFolder } from '@crosscheck/files';
import { type Ini, parseIni } from '@crosscheck/storage';

/** What DVC's own config files say, as far as a pull needs it. */
export interface DvcConfig {
  /** Folder that holds `.dvc/`. */
  root: string;
  cacheDir: string;
  defaultRemote: string | null;
  /** Options of every remote by its name; `url` of a folder is absolute. */
  remotes: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

/** The nearest folder upwards with `.dvc/`. @throws CROSSCHECK_DVC_NO_REPOSITORY */
export function findRoot(from: string): string {
  for (let dir = path.resolve(from); ; dir = path.dirname(dir)) {
    if (existsSync(path.join(dir, '.dvc'))) return dir;
    if (dir === path.dirname(dir)) break;
  }
  const message = `expected a folder .dvc in ${path.resolve(from)} or above, found none; run it in a repository with DVC`;
  throw new CrosscheckError('CROSSCHECK_DVC_NO_REPOSITORY', message);
}

/** Reads the user's, the repository's and the local config, the later over the earlier. */
export async function readDvcConfig(root: string): Promise<DvcConfig> {
  const userDir = path.join(process.env.XDG_CONFIG_HOME || path.join(homeFolder() ?? '/', '.config'), 'dvc');
  const files = [
    path.join(userDir, 'config'),
    ...['config', 'config.local'].map((name) => path.join(root, '.dvc', name)),
  ];
  const merged: Ini = new Map();
  for (const file of files) {
    const sections = parseIni(await readFile(file, 'utf8').catch(() => ''));
    for (const [name, values] of sections) {
      const known = merged.get(name) ?? new Map<string, string>();
      for (const [key, value] of values) known.set(key, isPath(name, key, value) ? fromFile(file, value) : value);
      merged.set(name, known);
    }
  }
  return {
    root,
    cacheDir: merged.get('cache')?.get('dir') ?? path.join(root, '.dvc/cache'),
    defaultRemote: merged.get('core')?.get('remote') ?? null,
    remotes: new Map(
      [...merged].flatMap(([name, values]) => {
        const remote = /^remote "(.+)"$/.exec(name)?.[1];
        return remote === undefined ? [] : [[remote, values] as const];
      }),
    ),
  };
}

/** Relative paths in a config start at the folder of that config. */
function isPath(section: string, key: string, value: string): boolean {
  if (section === 'cache') return key === 'dir';
  return section.startsWith('remote ') && key === 'url' && !/^[a-z0-9+]+:\/\//i.test(value);
}

function fromFile(file: string, value: string): string {
  const expanded = value.startsWith('~/') ? path.join(homeFolder() ?? '/', value.slice(2)) : value;
  return path.resolve(path.dirname(file), expanded);
}
