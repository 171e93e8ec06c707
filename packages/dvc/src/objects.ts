import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { CrosscheckError } from '@crosscheck/contract';
import { z } from 'zod';
import { largestObject, type Out } from './dvc-file.ts';
import { problemInFolder } from './safe-path.ts';

/** One object of a cache or remote. */
export interface DvcObject {
  md5: string;
  isFolder: boolean;
  layout: Out['layout'];
  /** No more than that is taken from a remote. */
  maxBytes: number;
}

/** A file that an object becomes. */
export interface PlacedFile extends DvcObject {
  /** Absolute path in the working tree. */
  path: string;
}

/** Where an object lies below a cache or remote: `files/md5/ab/cdef…` since DVC 3, `ab/cdef…` before. */
export function keyOf({ md5, isFolder, layout }: DvcObject): string {
  const root = layout === 'dvc3' ? 'files/md5/' : '';
  return `${root}${md5.slice(0, 2)}/${md5.slice(2)}${isFolder ? '.dir' : ''}`;
}

const listingSchema = z.array(
  z.object({
    md5: z.string().regex(/^[0-9a-f]{32}$/),
    relpath: z.string(),
  }),
);

/**
 * Reads the object of a folder: JSON with the md5 and relative path of every file.
 *
 * @throws CROSSCHECK_DVC_BAD_LISTING also where a path leads out of the folder, or into `.git` or `.dvc`
 */
export function readListing(json: string, out: Out): PlacedFile[] {
  const found = parseListing(json, out);
  for (const { relpath } of found) {
    const problem = problemInFolder(relpath);
    if (problem !== null) throw badListing(out, `the path ${JSON.stringify(relpath)}: ${problem}`);
  }
  const { path: dir, layout, bytes } = out;
  const maxBytes = largestObject(bytes, layout);
  return found.map(({ md5, relpath }) => ({ md5, isFolder: false, layout, path: `${dir}/${relpath}`, maxBytes }));
}

function parseListing(json: string, out: Out): z.infer<typeof listingSchema> {
  try {
    return listingSchema.parse(JSON.parse(json));
  } catch (cause) {
    throw badListing(out, json.slice(0, 80), cause);
  }
}

function badListing({ md5, from }: Out, got: string, cause?: unknown): CrosscheckError {
  const message = `expected [{"md5", "relpath"}, …] inside the folder in the object ${md5}.dir of ${from}, got ${got}; push it again with \`dvc push\``;
  return new CrosscheckError('CROSSCHECK_DVC_BAD_LISTING', message, { cause });
}

/** md5 of a file's bytes. DVC 2 took text with Windows line ends as if it had Unix ones, so that form is returned as well. */
export async function md5sOf(file: string): Promise<{ md5: string; md5Unix: string }> {
  const [plain, unix] = [createHash('md5'), createHash('md5')];
  let last: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
    plain.update(chunk);
    const { whole, rest } = splitBeforeReturn(Buffer.concat([last, chunk]));
    unix.update(withUnixEnds(whole));
    last = rest;
  }
  return { md5: plain.digest('hex'), md5Unix: unix.update(last).digest('hex') };
}

/** A carriage return at the end of a chunk may belong to a line feed in the next. */
function splitBeforeReturn(bytes: Buffer): { whole: Buffer; rest: Buffer } {
  const end = bytes.at(-1) === 0x0d ? bytes.length - 1 : bytes.length;
  return { whole: bytes.subarray(0, end), rest: bytes.subarray(end) };
}

function withUnixEnds(bytes: Buffer): Buffer {
  if (!bytes.includes('\r\n')) return bytes;
  return Buffer.from(bytes.toString('latin1').replaceAll('\r\n', '\n'), 'latin1');
}

/** Whether a file is that object. */
export async function isObject(file: string, { md5, layout }: DvcObject): Promise<boolean> {
  const found = await md5sOf(file);
  return found.md5 === md5 || (layout === 'dvc2' && found.md5Unix === md5);
}
