import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { CrosscheckError, messageOf } from '@crosscheck/contract';
import { parse } from 'yaml';
import { z } from 'zod';

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

/**
 * Reads what a `.dvc` file tracks, as DVC 2 and 3 write it.
 *
 * @throws CROSSCHECK_DVC_BAD_FILE
 */
export async function readDvcFile(file: string): Promise<Out[]> {
  const content = await readFile(file, 'utf8').then(parse).catch(refuse(file));
  const { data, error } = dvcFileSchema.safeParse(content);
  if (error) return refuse(file)(new Error(z.prettifyError(error).replaceAll(/\s*\n\s*/g, ' ')));
  return data.outs.map(({ md5, path: name, hash, size = 0, remote = null }) => ({
    path: path.resolve(path.dirname(file), data.wdir, name),
    md5: md5.slice(0, 32),
    isFolder: md5.endsWith('.dir'),
    layout: hash === undefined ? 'dvc2' : 'dvc3',
    bytes: size,
    from: file,
    remote,
  }));
}

function refuse(file: string): (cause: unknown) => never {
  return (cause) => {
    const message = `expected outs with md5 and path in ${file}, got ${messageOf(cause)}; write it with \`dvc add\``;
    throw new CrosscheckError('CROSSCHECK_DVC_BAD_FILE', message, { cause });
  };
}
