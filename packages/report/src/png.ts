import { type Plot, renderSvg } from './plot.ts';
import { outlineText } from './text-outlines.ts';
import { lightTheme, type Theme } from './theme.ts';

export interface PngOptions {
  theme?: Theme;
  /** Pixels per SVG unit; 2 is sharp on dense screens and in print. */
  scale?: number;
}

/** Draws a plot as PNG. Needs no fonts on the machine. */
export async function renderPng(plot: Plot, { theme = lightTheme, scale = 2 }: PngOptions = {}): Promise<Buffer> {
  const [svg, { default: sharp }] = await Promise.all([renderSvg(plot, theme).then(outlineText), import('sharp')]);
  return sharp(Buffer.from(svg), { density: 72 * scale })
    .flatten({ background: theme.paper })
    .png({ compressionLevel: 9 })
    .toBuffer();
}
