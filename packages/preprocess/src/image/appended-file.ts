import { findImageEnd } from './image-end.ts';
import type { ImageType } from './image-type.ts';

interface Format {
  name: string;
  /** Where in the appended bytes it can begin: at once, or anywhere in the first kilobyte, where its readers look for it. */
  where: 'start' | 'head';
  /** As Latin-1 text, in lower case. */
  magic: string[];
}

const formats: Format[] = [
  { name: 'ZIP archive', where: 'head', magic: ['pk\x03\x04', 'pk\x05\x06'] },
  { name: 'PDF', where: 'head', magic: ['%pdf-'] },
  { name: 'HTML page or script', where: 'head', magic: ['<script', '<html', '<!doctype', '<svg', '<?php', '<iframe'] },
  { name: 'script', where: 'start', magic: ['#!/'] },
  { name: 'program', where: 'start', magic: ['mz', '\x7felf', '\xcf\xfa\xed\xfe', '\xca\xfe\xba\xbe'] },
  { name: 'archive', where: 'start', magic: ['rar!\x1a', '7z\xbc\xaf\x27\x1c', '\x1f\x8b\x08', 'bzh', '\xfd7zxz'] },
];

const head = 1024;
/** A ZIP is found from its end: a record of 22 bytes before a comment of up to 65,535. */
const zipTail = 22 + 65_535;

/**
 * Names the file of another kind that stands behind the end of a picture, so that one upload would be two things to two readers. Other
 * trailers are left alone: cameras append previews, video and notes of their own.
 *
 * @returns null when there is none
 */
export function findAppendedFile(bytes: Uint8Array, type: ImageType): string | null {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const end = findImageEnd(file, type);
  if (end === null || end === file.length) return null;
  const text = lowerLatin(file.subarray(end, end + head)).replace(/^[\0\s]+/, '');
  const found = formats.find(({ where, magic }) =>
    magic.some((word) => (where === 'start' ? text.startsWith(word) : text.includes(word))),
  );
  if (found) return found.name;
  const tail = file.subarray(Math.max(end, file.length - zipTail));
  return tail.includes('PK\x05\x06', 0, 'latin1') ? 'ZIP archive' : null;
}

/** Only A–Z change. */
function lowerLatin(bytes: Buffer): string {
  return bytes.toString('latin1').replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}
