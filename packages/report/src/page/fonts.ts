import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

async function fontFace(weight: number): Promise<string> {
  const bytes = await readFile(require.resolve(`@fontsource/inter/files/inter-latin-${weight}-normal.woff2`));
  const source = `url(data:font/woff2;base64,${bytes.toString('base64')}) format('woff2')`;
  return `@font-face{font-family:Inter;font-weight:${weight};font-display:swap;src:${source}}`;
}

/** Inter for Latin letters, inside the page (63 kB); other scripts use the reader's own fonts. */
export async function fontFaces(): Promise<string> {
  return (await Promise.all([400, 600].map(fontFace))).join('\n');
}
