import { homedir } from 'node:os';
import path from 'node:path';

/** Per-user folder for everything that is fetched or computed once: `CROSSCHECK_CACHE`, else the XDG cache folder. */
export function userCacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  if (env['CROSSCHECK_CACHE']) return path.resolve(env['CROSSCHECK_CACHE']);
  return path.join(env['XDG_CACHE_HOME'] || path.join(homedir(), '.cache'), 'crosscheck');
}
