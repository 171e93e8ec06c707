/** The file types that pictures may have. */
export type ImageType = 'jpeg' | 'png' | 'webp' | 'gif' | 'avif' | 'heic' | 'bmp' | 'tiff';

/** As messages and documents name them. */
export const imageTypeNames = 'JPEG, PNG, WebP, GIF, AVIF, HEIC, BMP or TIFF';

// Where the type stands and what it may say there, as Latin-1 text.
const signatures: { type: ImageType; offset: number; magic: string[] }[] = [
  { type: 'jpeg', offset: 0, magic: ['\xff\xd8\xff'] },
  { type: 'png', offset: 0, magic: ['\x89PNG\r\n\x1a\n'] },
  { type: 'gif', offset: 0, magic: ['GIF87a', 'GIF89a'] },
  { type: 'webp', offset: 8, magic: ['WEBPVP8 ', 'WEBPVP8L', 'WEBPVP8X'] },
  { type: 'tiff', offset: 0, magic: ['II*\0', 'MM\0*', 'II+\0', 'MM\0+'] },
  { type: 'avif', offset: 4, magic: ['ftypavif', 'ftypavis'] },
  { type: 'bmp', offset: 6, magic: ['\0\0\0\0'] },
];

const heifBrands = new Set(['heic', 'heix', 'heim', 'heis', 'hevc', 'hevx', 'mif1', 'msf1']);

/** ISO base media files name their kinds in a list of four-letter brands; theirs may be any of them, not only the first. */
function typeByBrands(head: string): ImageType | null {
  if (!head.startsWith('ftyp', 4)) return null;
  const end = Math.min(head.length, head.charCodeAt(3));
  const brands = [head.slice(8, 12), ...(head.slice(16, end).match(/.{4}/gs) ?? [])];
  if (brands.some((brand) => brand === 'avif' || brand === 'avis')) return 'avif';
  return brands.some((brand) => heifBrands.has(brand)) ? 'heic' : null;
}

/** Recognises a picture by its first bytes, never by its name; `null` for everything else (SVG and PDF too). */
export function recognizeImageType(bytes: Uint8Array): ImageType | null {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 64)).toString('latin1');
  const isOf = ({ type, offset, magic }: (typeof signatures)[number]) =>
    magic.some((text) => head.startsWith(text, offset)) && (type !== 'bmp' || head.startsWith('BM'));
  return signatures.find(isOf)?.type ?? typeByBrands(head);
}
