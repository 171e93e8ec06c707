import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { CrosscheckError, messageOf } from '@crosscheck/contract';
import { parse } from 'yaml';
import { z } from 'zod';
import { problemOf, requireInside, unsafePath } from './safe-path.ts';

/** A file or folder that DVC keeps outside Git. */
export interface Out {
  /** Absolute path in the working tree. */
  path: string;
  /** 32 hexadecimal digits; of a folder, its listing's. */
  md5: string;
  isFolder: boolean;
  /** Where objects of DVC 2 lie, and what their hashes mean, differs. */
  layout: 'dvc2' | 'dvc3';
  /** In all; 0 when the file does not say. */
  bytes: number;
  /** Of the object itself: a file's own size, or what a listing may have. */
  maxBytes: number;
  /** The `.dvc` file that says so. */
  from: string;
  /** A remote of its own, or null. */
  remote: string | null;
}

const outSchema = z.object({
  md5: z.string().regex(/^[0-9a-f]{32}(\.dir)?$/),
  path: z.string().min(1),
  hash: z.literal('md5').optional(),
  size: z.int().min(0).optional(),
  remote: z.string().optional(),
});

const dvcFileSchema = z.object({ wdir: z.string().default('.'), outs: z.array(outSchema).min(1) });

/** About two million files in one folder. */
const maxListingBytes = 256 * 2 ** 20;

/** They are a few lines; what is larger, or no file at all, is none. */
const maxBytes = 16 * 2 ** 20;

async function readText(file: string): Promise<string> {
  const found = await stat(file);
  if (!found.isFile()) throw new Error('no regular file');
  if (found.size > maxBytes) throw new Error(`${found.size} bytes`);
  return readFile(file, 'utf8');
}

/**
 * Reads what a `.dvc` file tracks, as DVC 2 and 3 write it.
 *
 * @param root of the repository, which no path may leave
 * @throws CROSSCHECK_DVC_BAD_FILE, CROSSCHECK_DVC_UNSAFE_PATH
 */
export async function readDvcFile(file: string, root: string): Promise<Out[]> {
  const content = await readText(file).then(parse).catch(refuse(file));
  const { data, error } = dvcFileSchema.safeParse(content);
  if (error) return refuse(file)(new Error(z.prettifyError(error).replaceAll(/\s*\n\s*/g, ' ')));
  return data.outs.map(({ md5, path: name, hash, size = 0, remote = null }) => {
    const isFolder = md5.endsWith('.dir');
    const layout = hash === undefined ? 'dvc2' : 'dvc3';
    return {
      path: targetOf(name, data.wdir, { file, root }),
      md5: md5.slice(0, 32),
      isFolder,
      layout,
      bytes: size,
      maxBytes: isFolder ? maxListingBytes : largestObject(size, layout),
      from: file,
      remote,
    };
  });
}

/** From the size that a `.dvc` file states, 0 = none: DVC 2 may have counted a line end of Windows as one byte. */
export function largestObject(bytes: number, layout: Out['layout']): number {
  return bytes === 0 ? Infinity : bytes * (layout === 'dvc2' ? 2 : 1);
}

function targetOf(name: string, wdir: string, { file, root }: { file: string; root: string }): string {
  for (const part of [wdir, name]) {
    const problem = problemOf(part);
    if (problem !== null) throw unsafePath({ name: part, where: file }, problem);
  }
  const target = path.resolve(path.dirname(file), wdir, name);
  const said = { name: wdir === '.' ? name : `${wdir}/${name}`, where: file };
  requireInside(root, target, said);
  if (/(\.dvc|^dvc\.(yaml|lock))$/i.test(path.basename(target))) throw unsafePath(said, 'it is a file of DVC itself');
  return target;
}

function refuse(file: string): (cause: unknown) => never {
  return (cause) => {
    const message = `expected outs with md5 and path in ${file}, got ${messageOf(cause)}; write it with \`dvc add\``;
    throw new CrosscheckError('CROSSCHECK_DVC_BAD_FILE', message, { cause });
  };
}
