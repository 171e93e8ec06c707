const dataUrl = /^data:[^,]{0,200};base64,/i;

/**
 * The bytes of a file in base64 (also in the alphabet of URLs, also with line breaks), or of a data URL.
 *
 * @returns null for what is not base64
 */
export function decodeBase64(text: string): Buffer | null {
  const start = dataUrl.exec(text)?.[0].length ?? 0;
  const digits = start === 0 ? text : text.slice(start);
  const bytes = Buffer.from(digits, 'base64');
  if (bytes.length === bytesOf(digits)) return bytes;
  // Node passes over what is no digit: that it did so is seen by the length.
  const packed = digits.replaceAll(/\s+/g, '');
  return bytes.length === bytesOf(packed) ? bytes : null;
}

function bytesOf(digits: string): number {
  const padding = digits.endsWith('==') ? 2 : Number(digits.endsWith('='));
  return Math.floor((3 * (digits.length - padding)) / 4);
}
