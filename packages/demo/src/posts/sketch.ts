import type { Random } from '@crosscheck/contract';

/** An SVG in the making. Coordinates are pixels; `unit` is a hundredth of the shorter side, so that scenes scale. */
export interface Sketch {
  readonly width: number;
  readonly height: number;
  readonly unit: number;
  readonly random: Random;
  add(...elements: string[]): void;
  /** A vertical gradient from top to bottom, as a fill. */
  gradient(...colors: string[]): string;
  /** A colour that fades from the centre outwards, as a fill. */
  glow(color: string, opacity?: number): string;
  /** An attribute that blurs its element by so many units. */
  blur(units: number): string;
  toSvg(): string;
}

export type Point = readonly [x: number, y: number];

export function createSketch(width: number, height: number, random: Random): Sketch {
  const unit = Math.min(width, height) / 100;
  const definitions: string[] = [];
  const body: string[] = [];
  const define = (build: (id: string) => string): string => {
    const id = `d${definitions.length}`;
    definitions.push(build(id));
    return `url(#${id})`;
  };
  const stop = (offset: number, color: string, opacity = 1) =>
    `<stop offset="${n(offset)}" stop-color="${color}" stop-opacity="${n(opacity)}"/>`;
  return {
    width,
    height,
    unit,
    random,
    add: (...elements) => void body.push(...elements),
    gradient: (...colors) =>
      define((id) => {
        const stops = colors.map((color, i) => stop(i / Math.max(1, colors.length - 1), color));
        return `<linearGradient id="${id}" x1="0" y1="0" x2="0" y2="1">${stops.join('')}</linearGradient>`;
      }),
    glow: (color, opacity = 1) =>
      define((id) => `<radialGradient id="${id}">${stop(0, color, opacity)}${stop(1, color, 0)}</radialGradient>`),
    blur: (units) => {
      // The default filter region cuts wide blurs off at a visible edge.
      const region = 'x="-50%" y="-50%" width="200%" height="200%"';
      const filter = (id: string) =>
        `<filter id="${id}" ${region}><feGaussianBlur stdDeviation="${n(units * unit)}"/></filter>`;
      return `filter="${define(filter)}"`;
    },
    toSvg: () =>
      `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><defs>${definitions.join('')}</defs>${body.join('')}</svg>`,
  };
}

/** A number as SVG text, to a hundredth. */
export function n(value: number): string {
  return String(Math.round(value * 100) / 100);
}

export function hsl(hue: number, saturation: number, lightness: number, alpha = 1): string {
  const clamp = (percent: number) => n(Math.min(100, Math.max(0, percent)));
  return `hsla(${n(((hue % 360) + 360) % 360)},${clamp(saturation)}%,${clamp(lightness)}%,${n(alpha)})`;
}

export function rect(x: number, y: number, size: readonly [width: number, height: number], attributes: string): string {
  return `<rect x="${n(x)}" y="${n(y)}" width="${n(size[0])}" height="${n(size[1])}" ${attributes}/>`;
}

export function ellipse(x: number, y: number, radii: readonly [x: number, y: number], attributes: string): string {
  return `<ellipse cx="${n(x)}" cy="${n(y)}" rx="${n(radii[0])}" ry="${n(radii[1])}" ${attributes}/>`;
}

export function circle(x: number, y: number, radius: number, attributes: string): string {
  return ellipse(x, y, [radius, radius], attributes);
}

export function polygon(points: readonly Point[], attributes: string): string {
  return `<polygon points="${points.map(([x, y]) => `${n(x)},${n(y)}`).join(' ')}" ${attributes}/>`;
}

export function line(from: Point, to: Point, attributes: string): string {
  return `<line x1="${n(from[0])}" y1="${n(from[1])}" x2="${n(to[0])}" y2="${n(to[1])}" ${attributes}/>`;
}

export function shape(d: string, attributes: string): string {
  return `<path d="${d}" ${attributes}/>`;
}

export function fill(color: string): string {
  return `fill="${color}"`;
}

export function stroke(color: string, width: number): string {
  return `fill="none" stroke="${color}" stroke-width="${n(width)}" stroke-linecap="round"`;
}
