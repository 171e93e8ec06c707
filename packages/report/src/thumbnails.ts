/** Longest side of a picture in the report. */
const thumbnailPixels = 360;

/** Far above any camera; a bomb's header says more. */
const largestPicturePixels = 100_000_000;

/**
 * A small JPEG copy of a picture as a data: URI, or null when it cannot be read. Re-encoding keeps whatever else was in the file out of
 * the page.
 */
export async function thumbnail(image: string | Uint8Array, pixels = thumbnailPixels): Promise<string | null> {
  const { default: sharp } = await import('sharp');
  try {
    const jpeg = await sharp(image, { limitInputPixels: largestPicturePixels, failOn: 'error' })
      .rotate()
      .resize(pixels, pixels, { fit: 'inside', withoutEnlargement: true })
      .flatten({ background: '#ffffff' })
      .jpeg({ quality: 74, mozjpeg: true })
      .toBuffer();
    return `data:image/jpeg;base64,${jpeg.toString('base64')}`;
  } catch {
    return null;
  }
}
