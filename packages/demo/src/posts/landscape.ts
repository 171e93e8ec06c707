import type { Random } from '@crosscheck/contract';
import {
  circle,
  ellipse,
  fill,
  hsl,
  line,
  n,
  type Point,
  polygon,
  rect,
  type Sketch,
  shape,
  stroke,
} from './sketch.ts';

/** The things that several scenes share: sky, sun, clouds, hills, trees, houses, birds. */

export function paintSky(sketch: Sketch, ...colors: string[]): void {
  sketch.add(rect(0, 0, [sketch.width, sketch.height], fill(sketch.gradient(...colors))));
}

export function paintSun(sketch: Sketch, at: Point, radius: number, color: string): void {
  sketch.add(circle(...at, radius * 4, fill(sketch.glow(color, 0.55))), circle(...at, radius, fill(color)));
}

/** Soft heaps of ellipses between two heights. */
export function paintClouds(
  sketch: Sketch,
  color: string,
  options: { from: number; to: number; count: number; size: number },
): void {
  const { random, unit, width } = sketch;
  const soft = sketch.blur(1.6);
  for (let i = 0; i < options.count; i++) {
    const x = random.uniform(0, width);
    const y = random.uniform(options.from, options.to);
    const puffs = Array.from({ length: 5 }, () => {
      const size = options.size * random.uniform(0.6, 1.3) * unit;
      return ellipse(
        x + random.uniform(-2, 2) * size,
        y + random.uniform(-0.3, 0.3) * size,
        [size * 1.5, size * 0.55],
        '',
      );
    });
    sketch.add(`<g ${fill(color)} ${soft}>${puffs.join('')}</g>`);
  }
}

/** Heights of a rolling line across the picture: a few sines of random phase. */
function rollingLine(random: Random, base: number, roughness: number): (x: number) => number {
  const waves = [1.3, 2.7, 5.9, 11.3].map((frequency, i) => ({
    frequency: frequency * random.uniform(0.7, 1.3),
    phase: random.uniform(0, 2 * Math.PI),
    height: (roughness * random.uniform(0.5, 1)) / (1 + i * 1.6),
  }));
  return (x) =>
    waves.reduce((y, wave) => y + wave.height * Math.sin(wave.frequency * x * 2 * Math.PI + wave.phase), base);
}

/** Ground below a rolling line; returns the line in pixels so that things can stand on it. */
export function paintHills(
  sketch: Sketch,
  options: { base: number; roughness: number; color: string },
): (x: number) => number {
  const { width, height, random, unit } = sketch;
  const rolling = rollingLine(random, options.base, options.roughness * unit);
  const surface = (x: number) => rolling(x / width);
  const points: Point[] = Array.from({ length: 41 }, (_, i) => [(i / 40) * width, surface((i / 40) * width)]);
  sketch.add(polygon([[0, height], ...points, [width, height]], fill(options.color)));
  return surface;
}

/** A conifer of three to five tiers that stands at a point. */
export function conifer(random: Random, at: Point, height: number, color: string): string {
  const [x, y] = at;
  const tiers = 3 + random.int(3);
  const half = height * random.uniform(0.2, 0.3);
  const right: Point[] = [];
  for (let tier = 0; tier < tiers; tier++) {
    const bottom = y - height * (0.1 + 0.9 * (tier / tiers) * 0.92);
    const reach = half * (1 - tier / tiers);
    right.push([reach, bottom], [reach * 0.45, bottom - (height * 0.9) / tiers / 1.6]);
  }
  const points: Point[] = [
    ...right.map(([dx, py]): Point => [x + dx, py]),
    [x, y - height],
    ...right.reverse().map(([dx, py]): Point => [x - dx, py]),
  ];
  return (
    rect(x - height * 0.02, y - height * 0.15, [height * 0.04, height * 0.17], fill(color)) +
    polygon(points, fill(color))
  );
}

/** A broad-leaved tree: trunk and a crown of blobs. */
export function broadleaf(random: Random, at: Point, height: number, colors: { crown: string; trunk: string }): string {
  const [x, y] = at;
  const trunk = rect(x - height * 0.035, y - height * 0.5, [height * 0.07, height * 0.52], fill(colors.trunk));
  const blobs = Array.from({ length: 6 }, () =>
    circle(
      x + random.uniform(-0.2, 0.2) * height,
      y - height * random.uniform(0.5, 0.85),
      height * random.uniform(0.12, 0.2),
      fill(colors.crown),
    ),
  );
  return trunk + blobs.join('');
}

/** A gabled house whose front wall begins at `at` (bottom left). */
export function house(
  at: Point,
  size: readonly [width: number, height: number],
  colors: { wall: string; roof: string; window: string },
): string {
  const [x, y] = at;
  const [width, height] = size;
  const eaves = y - height;
  const ridge = eaves - width * 0.42;
  const pane: readonly [number, number] = [width * 0.17, height * 0.24];
  const panes = [0.2, 0.62].map((dx) => rect(x + width * dx, eaves + height * 0.22, pane, fill(colors.window)));
  const roof: Point[] = [
    [x - width * 0.1, eaves],
    [x + width * 0.5, ridge],
    [x + width * 1.1, eaves],
  ];
  return rect(x, eaves, size, fill(colors.wall)) + panes.join('') + polygon(roof, fill(colors.roof));
}

/** Water down to the lower edge, with short glints that widen towards the viewer. */
export function paintWater(
  sketch: Sketch,
  top: number,
  colors: { far: string; near: string; glint: string },
  glints: number,
): void {
  const { random, width, height, unit } = sketch;
  sketch.add(rect(0, top, [width, height - top], fill(sketch.gradient(colors.far, colors.near))));
  for (let i = 0; i < glints; i++) {
    const depth = random.next() ** 1.4;
    const y = top + (height - top) * depth;
    const x = random.uniform(-0.1, 1) * width;
    const length = (2 + 12 * depth) * random.uniform(0.5, 1.4) * unit;
    sketch.add(line([x, y], [x + length, y], stroke(colors.glint, (0.4 + depth) * unit)));
  }
}

export function paintBirds(sketch: Sketch, color: string, count: number, below: number): void {
  const { random, width, unit } = sketch;
  for (let i = 0; i < count; i++) {
    const [x, y, s] = [
      random.uniform(0.1, 0.9) * width,
      random.uniform(0.05, 1) * below,
      random.uniform(1.2, 2.6) * unit,
    ];
    const d = `M${n(x - s)},${n(y - s * 0.3)} Q${n(x - s * 0.4)},${n(y - s * 0.7)} ${n(x)},${n(y)} Q${n(x + s * 0.4)},${n(y - s * 0.7)} ${n(x + s)},${n(y - s * 0.3)}`;
    sketch.add(shape(d, stroke(color, 0.5 * unit)));
  }
}

/** A grey with a touch of a hue. */
export function tintedGray(hue: number, lightness: number, alpha = 1): string {
  return hsl(hue, 8, lightness, alpha);
}
