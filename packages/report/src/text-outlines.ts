import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Font, PathCommand } from 'opentype.js';

/**
 * Inter's subsets, tried in this order for each character. SVG text is drawn by librsvg with the machine's fonts, and a bare machine or
 * container has none: every letter becomes a box. Outlines look the same everywhere.
 */
const subsets = ['latin', 'latin-ext', 'greek', 'cyrillic'] as const;

type Weight = 400 | 600;

/** The nearest of the two weights that are drawn. */
export function weightOf(fontWeight: unknown): Weight {
  return /^(bold|[6-9]00)$/.test(String(fontWeight)) ? 600 : 400;
}

const require = createRequire(import.meta.url);
const fonts = new Map<string, Promise<Font>>();

async function readFont(file: string): Promise<Font> {
  const { default: opentype } = await import('opentype.js');
  const bytes = await readFile(require.resolve(`@fontsource/inter/files/${file}`));
  return opentype.parse(new Uint8Array(bytes).buffer);
}

function fontOf(subset: string, weight: Weight): Promise<Font> {
  const file = `inter-${subset}-${weight}-normal.woff`;
  const font = fonts.get(file) ?? readFont(file);
  fonts.set(file, font);
  return font;
}

/** The first subset that has the character; the box of the first one when none does. */
async function glyphOf(character: string, weight: Weight) {
  for (const subset of subsets) {
    const font = await fontOf(subset, weight);
    const glyph = font.charToGlyph(character);
    if (glyph.index !== 0) return { font, glyph };
  }
  const font = await fontOf('latin', weight);
  return { font, glyph: font.charToGlyph(character) };
}

interface TextStyle {
  sizePixels: number;
  weight: Weight;
  anchor: string;
}

/** In the order in which SVG writes them. */
const pathFields = ['x1', 'y1', 'x2', 'y2', 'x', 'y'];

const anchorShare: Record<string, number> = { start: 0, middle: 0.5, end: 1 };

/** opentype.js's own serialiser joins "8.1" and a rounded "-0" into one number, hence this one. */
function commandText(command: PathCommand): string {
  const numbers = pathFields.flatMap((field) =>
    field in command ? [(command as Record<string, unknown>)[field]] : [],
  );
  return command.type + numbers.map((value) => (value as number).toFixed(2)).join(' ');
}

/** Path data of one line of text around the origin of its baseline. */
async function outline(text: string, { sizePixels, weight, anchor }: TextStyle): Promise<string> {
  const glyphs = await Promise.all(Array.from(text, (character) => glyphOf(character, weight)));
  const advances = glyphs.map(({ font, glyph }) => ((glyph.advanceWidth ?? 0) * sizePixels) / font.unitsPerEm);
  const width = advances.reduce((sum, advance) => sum + advance, 0);
  let x = -width * (anchorShare[anchor] ?? 0);
  const paths = glyphs.map(({ glyph }, i) => {
    const path = glyph.getPath(x, 0, sizePixels).commands.map(commandText).join('');
    x += advances[i] as number;
    return path;
  });
  return paths.join('');
}

/** Loads what is needed to tell the width of a line of Latin text in SVG units. */
export async function loadTextMeasure(): Promise<(text: string, sizePixels: number, weight: Weight) => number> {
  const [regular, semibold] = await Promise.all([fontOf('latin', 400), fontOf('latin', 600)]);
  return (text, sizePixels, weight) => {
    const font = weight === 600 ? semibold : regular;
    const advances = Array.from(text, (character) => font.charToGlyph(character).advanceWidth ?? 0);
    return (advances.reduce((sum, advance) => sum + advance, 0) * sizePixels) / font.unitsPerEm;
  };
}

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function unescapeXml(text: string): string {
  return text.replace(/&(amp|lt|gt|quot|apos);/g, (_, name: string) => entities[name] as string);
}

async function outlineElement(attributes: string, text: string): Promise<string> {
  const attribute = (name: string) => new RegExp(`(?:^|\\s)${name}="([^"]*)"`).exec(attributes)?.[1];
  const path = await outline(unescapeXml(text), {
    sizePixels: Number.parseFloat(attribute('font-size') ?? '11'),
    weight: weightOf(attribute('font-weight')),
    anchor: attribute('text-anchor') ?? 'start',
  });
  const kept = attributes.replace(/\s?(text-anchor|font-[a-z]+)="[^"]*"/g, '');
  return `<path ${kept.trim()} d="${path}"/>`;
}

/** Replaces every `<text>` of an SVG that Vega drew by the outlines of its letters, so that no font is needed to rasterise it. */
export async function outlineText(svg: string): Promise<string> {
  const pattern = /<text([^>]*)>([^<]*)<\/text>/g;
  const paths = await Promise.all(
    Array.from(svg.matchAll(pattern), ([, attributes, text]) => outlineElement(attributes as string, text as string)),
  );
  let next = 0;
  return svg.replace(pattern, () => paths[next++] as string);
}
