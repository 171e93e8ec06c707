interface Kind {
  name: string;
  /** Where it stands, and what may stand there, as Latin-1 text. */
  offset?: number;
  magic: string[];
}

/** What people send in place of an image. */
const kinds: Kind[] = [
  { name: 'a PDF', magic: ['%PDF-'] },
  { name: 'an SVG', magic: ['<svg'] },
  { name: 'a web page', magic: ['<!doctype html', '<!DOCTYPE html', '<!DOCTYPE HTML', '<html', '<HTML'] },
  { name: 'XML', magic: ['<?xml'] },
  {
    name: 'a video',
    offset: 4,
    magic: ['ftypisom', 'ftypmp4', 'ftypM4V', 'ftypqt  ', 'ftypavc1', 'ftyp3gp', 'ftypiso', 'moov'],
  },
  { name: 'a video', magic: ['\x1aE\xdf\xa3', 'FLV', '\0\0\x01\xba'] },
  { name: 'a video', offset: 8, magic: ['AVI '] },
  { name: 'sound', magic: ['ID3', 'OggS', 'fLaC', '\xff\xfb'] },
  { name: 'sound', offset: 8, magic: ['WAVE'] },
  { name: 'a ZIP archive or an Office document', magic: ['PK\x03\x04', 'PK\x05\x06'] },
  { name: 'an old Office document', magic: ['\xd0\xcf\x11\xe0'] },
  { name: 'an archive', magic: ['\x1f\x8b', 'Rar!', '7z\xbc\xaf', 'BZh', '\xfd7zXZ'] },
  { name: 'a JPEG XL', magic: ['\xff\x0a', '\0\0\0\x0cJXL '] },
  { name: 'a JPEG 2000', magic: ['\0\0\0\x0cjP  ', '\xff\x4f\xff\x51'] },
  { name: 'an icon', magic: ['\0\0\x01\0', '\0\0\x02\0'] },
  { name: 'a Photoshop file', magic: ['8BPS'] },
  { name: 'PostScript', magic: ['%!PS'] },
  { name: 'a program', magic: ['MZ', '\x7fELF', '\xcf\xfa\xed\xfe'] },
  { name: 'JSON', magic: ['{', '['] },
];

// eslint-disable-next-line no-control-regex
const control = /[\0-\x08\x0e-\x1f]/;

/** What a file is that is no image for us, in words for the person who sent it. */
export function describeFile(bytes: Uint8Array): string {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 512)).toString('latin1');
  const text = head.replace(/^\xef\xbb\xbf/, '').trimStart();
  const isSvg = /^<\?xml[\s\S]*<svg/.test(text);
  const found = kinds.find(({ offset = 0, magic }) =>
    magic.some((word) => head.startsWith(word, offset) || (offset === 0 && text.startsWith(word))),
  );
  if (isSvg) return 'an SVG';
  return found?.name ?? (control.test(head) ? 'something else' : 'plain text');
}
