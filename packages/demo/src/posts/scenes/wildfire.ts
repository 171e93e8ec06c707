import type { Random } from '@crosscheck/contract';
import { conifer, paintHills, paintSky } from '../landscape.ts';
import { circle, ellipse, fill, hsl, n, type Point, type Sketch, shape } from '../sketch.ts';

/** A burning ridge: glow, smoke, black conifers, flames in two or three colours, embers. */
export function drawWildfire(sketch: Sketch): void {
  const { random, width, height } = sketch;
  const isNight = random.next() < 0.5;
  const hue = random.uniform(8, 32);
  const horizon = height * random.uniform(0.55, 0.75);
  paintSky(sketch, ...(isNight ? nightColors(hue) : smokyColors(hue)));
  const glowAt: Point = [random.uniform(0.2, 0.8) * width, horizon];
  sketch.add(ellipse(...glowAt, [width * 0.75, height * 0.5], fill(sketch.glow(hsl(hue, 100, 55), 0.85))));
  paintSmoke(sketch, glowAt, isNight ? 14 : 30);
  const back = paintHills(sketch, { base: horizon, roughness: 5, color: hsl(hue, 55, isNight ? 14 : 24) });
  paintFlames(sketch, back, { count: 10 + random.int(10), size: 11 });
  const front = paintHills(sketch, { base: horizon + height * 0.13, roughness: 4, color: hsl(hue, 35, 7) });
  paintTrees(sketch, front);
  paintFlames(sketch, front, { count: 5 + random.int(9), size: 19 });
  paintEmbers(sketch, horizon);
}

function nightColors(hue: number): string[] {
  return [hsl(hue - 20, 45, 7), hsl(hue - 8, 65, 18), hsl(hue, 90, 42)];
}

function smokyColors(hue: number): string[] {
  return [hsl(hue + 5, 25, 38), hsl(hue + 5, 50, 50), hsl(hue + 8, 80, 62)];
}

function paintSmoke(sketch: Sketch, from: Point, lightness: number): void {
  const { random, width, height } = sketch;
  const soft = sketch.blur(3.5);
  const drift = random.uniform(-0.5, 0.5) * width;
  const puffs = Array.from({ length: 14 }, (_, i) => {
    const rise = i / 13;
    const size = (0.05 + 0.16 * rise) * width;
    const x = from[0] + drift * rise + random.uniform(-0.6, 0.6) * size;
    const color = hsl(20, 12, lightness + random.uniform(-6, 8), 0.55);
    return ellipse(x, from[1] * (1 - rise), [size, size * 0.7], fill(color));
  });
  sketch.add(
    `<g ${soft}>${puffs.join('')}</g>`,
    ellipse(width / 2, 0, [width * 0.7, height * 0.12], `${fill(hsl(20, 12, lightness, 0.5))} ${soft}`),
  );
}

function paintFlames(sketch: Sketch, surface: (x: number) => number, options: { count: number; size: number }): void {
  const { random, width, unit } = sketch;
  const centre = random.uniform(0.15, 0.85) * width;
  for (let i = 0; i < options.count; i++) {
    const x = centre + random.normal() * width * 0.25;
    const size = options.size * unit * random.uniform(0.5, 1.3);
    sketch.add(flame(random, [x, surface(x) + size * 0.12], size));
  }
}

const TONGUES = [
  { scale: 1, color: (hue: number) => hsl(hue, 100, 48, 0.9) },
  { scale: 0.68, color: (hue: number) => hsl(hue + 18, 100, 55, 0.95) },
  { scale: 0.38, color: (hue: number) => hsl(hue + 34, 100, 76) },
];

function flame(random: Random, [x, y]: Point, height: number): string {
  const lean = random.uniform(-0.25, 0.25) * height;
  const hue = random.uniform(8, 24);
  return TONGUES.map(({ scale, color }) => {
    const [h, w] = [height * scale, height * 0.3 * scale];
    const d = `M${n(x)},${n(y)} C${n(x - w * 1.4)},${n(y - h * 0.15)} ${n(x - w)},${n(y - h * 0.5)} ${n(x + lean * scale)},${n(y - h)} C${n(x + w * 0.5)},${n(y - h * 0.6)} ${n(x + w * 1.5)},${n(y - h * 0.25)} ${n(x)},${n(y)}Z`;
    return shape(d, fill(color(hue)));
  }).join('');
}

function paintTrees(sketch: Sketch, surface: (x: number) => number): void {
  const { random, width, unit } = sketch;
  const count = 6 + random.int(10);
  for (let i = 0; i < count; i++) {
    const x = random.uniform(-0.02, 1.02) * width;
    sketch.add(
      conifer(random, [x, surface(x) + unit], random.uniform(12, 30) * unit, hsl(20, 40, random.uniform(3, 8))),
    );
  }
}

function paintEmbers(sketch: Sketch, horizon: number): void {
  const { random, width, unit } = sketch;
  for (let i = 0; i < 26; i++) {
    const color = hsl(random.uniform(18, 45), 100, random.uniform(55, 75), random.uniform(0.4, 1));
    sketch.add(
      circle(
        random.uniform(0, width),
        random.uniform(0.15, 1.15) * horizon,
        random.uniform(0.25, 0.8) * unit,
        fill(color),
      ),
    );
  }
}
