import { realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import type { ErrorCode } from '@crosscheck/contract';
import { createFolderLister, type FolderLister, findAlike, looksOf } from './same-name.ts';

/** Where the images of a file's rows may be. */
export interface ImagePlaces {
  /** What relative paths start at. */
  root: string;
  /** Folders that are searched when the root does not have the image. @default [] */
  others?: readonly string[];
  /** Folders below which an image may lie besides these. @default [] */
  trusted?: readonly string[];
  /** Whether an image may lie anywhere. @default false */
  allowOutsideRoot?: boolean;
  /** What the user calls the root and the permission, for messages. */
  keys: { root: string; allowOutsideRoot: string };
}

export interface FoundImage {
  /** Absolute. */
  file: string;
  /** Whether its name is written in another Unicode form, or with backslashes. */
  isRespelt: boolean;
}

export interface LostImage {
  code: ErrorCode;
  message: string;
}

export type ImageLocator = (cell: string) => Promise<FoundImage | LostImage>;

/**
 * Finds the image that a cell names, for every command alike. The path as it is written comes first; then the same letters in another Unicode form,
 * and Windows' backslashes, where that names one file. Only regular files count; those outside of the folders only when that is allowed. Links are
 * followed: whoever can make one in the folder decides what it shows.
 */
export function createImageLocator(given: ImagePlaces): ImageLocator {
  const list = createFolderLister();
  const places = {
    ...given,
    root: path.resolve(given.root),
    others: (given.others ?? []).map((dir) => path.resolve(dir)),
    trusted: (given.trusted ?? []).map((dir) => path.resolve(dir)),
  };
  return async (cell) => {
    const image = cell.trim();
    const exact = await findExact(image, places);
    if (exact !== null) return exact;
    const alike = await findRespelt(image, places, list);
    if (alike !== null) return alike;
    return { code: 'CROSSCHECK_DATA_MISSING_IMAGE', message: await describeMissing(image, places, list) };
  };
}

type Places = Required<Pick<ImagePlaces, 'root' | 'others' | 'trusted' | 'keys'>> & ImagePlaces;

async function findExact(image: string, places: Places): Promise<FoundImage | LostImage | null> {
  const [first, ...others] = candidates(image, places);
  // An image outside is not even looked for: whether it exists is nobody's business.
  if (first === undefined) return outside(image, places);
  const what = await whatIs(first);
  if (what === 'file') return { file: first, isRespelt: false };
  if (what === 'folder' || what === 'special' || what === 'empty') return unusable(first, what);
  const found: string[] = [];
  for (const file of others) if ((await whatIs(file)) === 'file') found.push(file);
  // What another folder does not have either was meant to lie in the first.
  const isElsewhere = first !== path.resolve(places.root, image);
  return (await one(image, found, false, places)) ?? (isElsewhere ? outside(image, places) : null);
}

async function findRespelt(image: string, places: Places, list: FolderLister): Promise<FoundImage | LostImage | null> {
  const spelling = image.replaceAll('\\', '/');
  if (spelling === image && !/[^\x20-\x7e]/.test(image)) return null;
  const found: string[] = [];
  for (const dir of [places.root, ...places.others]) {
    const relative = path.relative(dir, path.resolve(dir, spelling)).replaceAll(path.sep, '/');
    if (relative === '..' || relative.startsWith('../')) continue;
    const alike = await findAlike(dir, relative, looksOf, list);
    for (const file of alike) if ((await whatIs(file)) === 'file') found.push(file);
    if (found.length > 0 && dir === places.root) break;
  }
  return one(image, found, true, places);
}

/** The only one, or that there are several: none is guessed at. */
async function one(
  image: string,
  found: readonly string[],
  isRespelt: boolean,
  { keys }: Places,
): Promise<FoundImage | LostImage | null> {
  const files = new Map<string, string>();
  for (const file of found) files.set(await realpath(file).catch(() => file), file);
  const [first, second] = files.values();
  if (first === undefined) return null;
  if (second === undefined) return { file: first, isRespelt };
  const message = `"${image}" is the name of two images, ${showPath(first)} and ${showPath(second)}; set ${keys.root} to the folder of the right ones`;
  return { code: 'CROSSCHECK_DATA_AMBIGUOUS_IMAGE', message };
}

/** Whether a path lies in one of the folders, by its letters alone. */
export function isInside(file: string, dir: string): boolean {
  const relative = path.relative(dir, file);
  return relative !== '..' && !relative.startsWith(`..${path.sep}`) && !path.isAbsolute(relative);
}

/** Where a path may lead to. One that leaves its folder does not come back by that folder's name; another that is named may be where it leads. */
function candidates(image: string, { root, others, trusted, allowOutsideRoot }: Places): string[] {
  const dirs = [root, ...others];
  const isUpwards = path.normalize(image).split(path.sep)[0] === '..';
  const isAllowed = (file: string, from: string) =>
    [...dirs, ...trusted].some((dir) => isInside(file, dir) && !(isUpwards && dir === from));
  const files = dirs.map((dir) => ({ file: path.resolve(dir, image), dir }));
  const allowed = files.filter(({ file, dir }) => allowOutsideRoot === true || isAllowed(file, dir));
  return [...new Set(allowed.map(({ file }) => file))];
}

function outside(image: string, { root, keys }: Places): LostImage {
  const message = `expected an image below ${root} (${keys.root}), got "${image}", which lies outside; move it there, or allow such paths with ${keys.allowOutsideRoot}=true`;
  return { code: 'CROSSCHECK_DATA_IMAGE_OUTSIDE', message };
}

type Kind = 'file' | 'empty' | 'folder' | 'special' | 'nothing';

async function whatIs(file: string): Promise<Kind> {
  // A NUL, or a name that is too long, names nothing.
  const found = await stat(file).catch(() => null);
  if (found === null) return 'nothing';
  if (found.isDirectory()) return 'folder';
  if (!found.isFile()) return 'special';
  return found.size === 0 ? 'empty' : 'file';
}

const kinds = {
  folder: 'the image path is a folder',
  special: 'the image path is a device, a pipe or a socket, no regular file',
  empty: 'the image is an empty file',
};

function unusable(file: string, what: keyof typeof kinds): LostImage {
  return { code: 'CROSSCHECK_DATA_MISSING_IMAGE', message: `${kinds[what]} (${showPath(file)})` };
}

async function describeMissing(image: string, places: Places, list: FolderLister): Promise<string> {
  const [first = '', ...others] = candidates(image, places).map(showPath);
  const hint = (await hintAtCase(image, places, list)) ?? (await hintAtFolder(image, places));
  return `there is no image at ${first}${others.map((file) => `, nor at ${file}`).join('')}${hint}`;
}

/** Names that differ in case are other files; they are only told. */
async function hintAtCase(image: string, { root }: Places, list: FolderLister): Promise<string | null> {
  const relative = path.relative(root, path.resolve(root, image)).replaceAll(path.sep, '/');
  if (relative.startsWith('..')) return null;
  const [alike] = await findAlike(root, relative, (name) => looksOf(name).toLowerCase(), list);
  return alike === undefined ? null : `; did you mean ${showPath(alike)}?`;
}

/** A common slip is an images folder that is repeated in, or missing from, the paths of the file. */
async function hintAtFolder(image: string, { root, keys }: Places): Promise<string> {
  const folder = path.dirname(path.resolve(root, image));
  return (await whatIs(folder)) === 'folder' ? '' : ` (nor a folder ${folder}; is ${keys.root} right?)`;
}

/** A path as people tell it from others that look the same: letters that are made of several characters are written as escapes. */
export function showPath(file: string): string {
  if (file === file.normalize('NFC') && !/\p{C}/u.test(file)) return file;
  const escape = (letter: string) => `\\u{${(letter.codePointAt(0) as number).toString(16)}}`;
  return `${file.replaceAll(/[\p{M}\p{C}]/gu, escape)} (letters and accents apart)`;
}
