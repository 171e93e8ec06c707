import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { CrosscheckError } from '@crosscheck/contract';
import { z } from 'zod';
import type { Out } from './dvc-file.ts';

/** One object of a cache or remote. */
export interface DvcObject {
  md5: string;
  isFolder: boolean;
  layout: Out['layout'];
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
    // The listing comes from elsewhere: it may not name a file outside of its folder.
    relpath: z.string().refine((name) => !name.startsWith('/') && !/(^|[/\\])\.\.([/\\]|$)/.test(name)),
  }),
);

/**
 * Reads the object of a folder: JSON with the md5 and relative path of every file.
 *
 * @throws CROSSCHECK_DVC_BAD_LISTING
 */
export function readListing(json: string, { path: dir, layout, md5, from }: Out): PlacedFile[] {
  let found: z.infer<typeof listingSchema>;
  try {
    found = listingSchema.parse(JSON.parse(json));
  } catch (cause) {
    const message = `expected [{"md5", "relpath"}, …] inside the folder in the object ${md5}.dir of ${from}, got ${json.slice(0, 80)}; push it again with \`dvc push\``;
    throw new CrosscheckError('CROSSCHECK_DVC_BAD_LISTING', message, { cause });
  }
  return found.map(({ md5, relpath }) => ({ md5, isFolder: false, layout, path: `${dir}/${relpath}` }));
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
