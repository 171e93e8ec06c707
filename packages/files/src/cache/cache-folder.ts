import { accessSync, constants, existsSync, lstatSync, mkdirSync, mkdtempSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { printError } from '@crosscheck/contract';

type Environment = Readonly<Record<string, string | undefined>>;

/** The user's home; null for a user without HOME and without an entry in passwd, as containers have them. */
export function homeFolder(env: Environment = process.env): string | null {
  if (env['HOME']) return env['HOME'];
  try {
    return homedir();
  } catch {
    return null;
  }
}

/**
 * Per-user folder for everything that is fetched or computed once: `CROSSCHECK_CACHE`, else `crosscheck` in `XDG_CACHE_HOME`, else in `.cache` of
 * the home, else, where that cannot be used, a temporary folder of this user, which is told once.
 */
export function userCacheFolder(env: Environment = process.env): string {
  const [first] = placesOf(env);
  const isChosen = Boolean(env['CROSSCHECK_CACHE'] || env['XDG_CACHE_HOME']);
  return first !== undefined && (isChosen || isUsable(first)) ? first : temporaryCache(first);
}

/** A part of the user's cache: of those places in their order the first where it is, or can be made. What was installed read-only leaves it elsewhere. */
export function cacheFolder(part: string, env: Environment = process.env): string {
  const places = placesOf(env);
  const found = places.find((place) => isUsable(path.join(place, part)));
  if (found === undefined) return path.join(temporaryCache(places[0]), part);
  if (found !== places[0]) tellOnce(found, `${places[0]} cannot be written`);
  return path.join(found, part);
}

/** What the caches of several programs share: `XDG_CACHE_HOME`, else `.cache` in the home, else a temporary folder. */
export function sharedCacheFolder(env: Environment = process.env): string {
  if (env['XDG_CACHE_HOME']) return path.resolve(env['XDG_CACHE_HOME']);
  const home = homeFolder(env);
  const usual = home === null ? undefined : path.join(home, '.cache');
  return usual !== undefined && isUsable(usual) ? usual : temporaryCache(usual);
}

function placesOf(env: Environment): string[] {
  const home = homeFolder(env);
  return [
    ...(env['CROSSCHECK_CACHE'] ? [path.resolve(env['CROSSCHECK_CACHE'])] : []),
    ...(env['XDG_CACHE_HOME'] ? [path.resolve(env['XDG_CACHE_HOME'], 'crosscheck')] : []),
    ...(home === null ? [] : [path.join(home, '.cache', 'crosscheck')]),
  ];
}

/** Whether a folder is there to be read, or can be made. */
function isUsable(folder: string): boolean {
  if (existsSync(folder)) return mayDo(folder, constants.R_OK | constants.X_OK);
  let parent = path.dirname(folder);
  while (!existsSync(parent) && parent !== path.dirname(parent)) parent = path.dirname(parent);
  return mayDo(parent, constants.W_OK | constants.X_OK);
}

function mayDo(file: string, right: number): boolean {
  try {
    accessSync(file, right);
    return true;
  } catch {
    return false;
  }
}

const told = new Set<string>();

function tellOnce(folder: string, reason: string): void {
  if (told.has(folder)) return;
  told.add(folder);
  printError(`caches are kept in ${folder}: ${reason}; set CROSSCHECK_CACHE to a folder that stays`);
}

let temporary: string | null = null;

function temporaryCache(usual: string | undefined): string {
  temporary ??= ownFolder(path.join(tmpdir(), `crosscheck-${process.getuid?.() ?? 'user'}`));
  tellOnce(temporary, usual === undefined ? 'this user has no home' : `${usual} cannot be used`);
  return temporary;
}

/** Others may write into the folder of temporary files, too: one that is not this user's alone is not trusted. */
function ownFolder(wanted: string): string {
  try {
    mkdirSync(wanted, { mode: 0o700 });
  } catch {
    // It is there, or cannot be made; the look at it tells.
  }
  const found = lstatSync(wanted, { throwIfNoEntry: false });
  const isOwn = found?.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o077) === 0;
  return isOwn ? wanted : mkdtempSync(`${wanted}-`);
}
