import { paintClouds, paintHills, paintSky, paintSun } from '../landscape.ts';
import { ellipse, fill, hsl, n, type Point, polygon, type Sketch, shape, stroke } from '../sketch.ts';

/** Dunes with a sunlit and a shaded side, a low sun, and cacti, camels or table mountains. */
export function drawDesert(sketch: Sketch): void {
  const { random, width, height, unit } = sketch;
  const horizon = height * random.uniform(0.42, 0.58);
  const sand = random.uniform(26, 42);
  const sky = [
    [hsl(205, 65, 52), hsl(200, 60, 80)],
    [hsl(25, 75, 58), hsl(42, 90, 76)],
    [hsl(215, 40, 46), hsl(30, 70, 76)],
  ][random.int(3)] as string[];
  paintSky(sketch, ...sky);
  if (random.next() < 0.4) paintClouds(sketch, hsl(40, 50, 94, 0.5), { from: 0, to: horizon * 0.5, count: 2, size: 7 });
  paintSun(
    sketch,
    [random.uniform(0.12, 0.88) * width, random.uniform(0.25, 0.8) * horizon],
    random.uniform(4, 7) * unit,
    hsl(48, 100, 86),
  );
  if (random.next() < 0.5) paintMesas(sketch, horizon, sand);
  paintHills(sketch, { base: horizon, roughness: 3, color: hsl(sand, 50, 66) });
  const dunes = 3 + random.int(2);
  for (let i = 0; i < dunes; i++)
    paintDune(sketch, horizon + ((i + 0.4) / dunes) * (height - horizon) * 0.8, { sand, light: 62 - i * 4 });
  const count = 1 + random.int(3);
  const paint = random.next() < 0.6 ? paintCactus : paintCamel;
  for (let i = 0; i < count; i++)
    paint(sketch, [((i + random.uniform(0.2, 0.8)) / count) * width, random.uniform(0.66, 0.92) * height]);
}

/** One dune: lit ground below a crest, and a shadow that falls from the peak to one side. */
function paintDune(sketch: Sketch, top: number, { sand, light }: { sand: number; light: number }): void {
  const { random, width, height, unit } = sketch;
  const peak = random.uniform(0.1, 0.9) * width;
  const crest = top - random.uniform(4, 11) * unit;
  const [left, right] = [top + random.uniform(0, 7) * unit, top + random.uniform(0, 7) * unit];
  const lit = `M0,${n(left)} Q${n(peak * 0.65)},${n(left)} ${n(peak)},${n(crest)} Q${n(peak + (width - peak) * 0.35)},${n(right)} ${n(width)},${n(right)} V${height} H0 Z`;
  const foot = peak + random.uniform(-0.12, 0.12) * width;
  const shade = `M${n(peak)},${n(crest)} Q${n(peak + (width - peak) * 0.35)},${n(right)} ${n(width)},${n(right)} V${height} H${n(foot)} Q${n(peak + 8 * unit)},${n((crest + height) / 2)} ${n(peak)},${n(crest)} Z`;
  sketch.add(
    shape(lit, fill(sketch.gradient(hsl(sand, 68, light + 6), hsl(sand - 4, 60, light - 4)))),
    shape(shade, fill(hsl(sand - 10, 52, light - 20, 0.75))),
  );
}

function paintMesas(sketch: Sketch, horizon: number, sand: number): void {
  const { random, width, unit } = sketch;
  const count = 1 + random.int(3);
  for (let i = 0; i < count; i++) {
    const x = random.uniform(-0.1, 0.85) * width;
    const wide = random.uniform(14, 34) * unit;
    const tall = random.uniform(10, 22) * unit;
    const outline: Point[] = [
      [x, horizon + 5 * unit],
      [x + wide * 0.14, horizon - tall],
      [x + wide * 0.84, horizon - tall * random.uniform(0.9, 1.05)],
      [x + wide, horizon + 5 * unit],
    ];
    sketch.add(polygon(outline, fill(sketch.gradient(hsl(sand - 16, 48, 46), hsl(sand - 10, 45, 58)))));
  }
}

function paintCactus(sketch: Sketch, [x, y]: Point): void {
  const { random, unit } = sketch;
  const h = random.uniform(15, 27) * unit;
  const green = hsl(random.uniform(95, 140), 38, random.uniform(22, 34));
  const [left, right] = [h * random.uniform(0.4, 0.6), h * random.uniform(0.5, 0.75)];
  const arm = h * 0.2;
  const d =
    `M${n(x)},${n(y)} V${n(y - h)} M${n(x)},${n(y - left)} h${n(-arm)} v${n(-h * 0.22)}` +
    ` M${n(x)},${n(y - right)} h${n(arm)} v${n(-h * 0.2)}`;
  sketch.add(
    ellipse(x + h * 0.2, y, [h * 0.4, h * 0.05], fill(hsl(20, 40, 25, 0.45))),
    shape(d, `${stroke(green, h * 0.12)} stroke-linejoin="round"`),
  );
}

function paintCamel(sketch: Sketch, [x, y]: Point): void {
  const { random, unit } = sketch;
  const s = random.uniform(15, 22) * unit * (random.next() < 0.5 ? -1 : 1);
  const h = Math.abs(s);
  const coat = hsl(28, 45, random.uniform(20, 32));
  const body =
    `M${n(x - s * 0.36)},${n(y - h * 0.42)} q${n(s * 0.12)},${n(-h * 0.34)} ${n(s * 0.26)},${n(-h * 0.08)} q${n(s * 0.16)},${n(-h * 0.3)} ${n(s * 0.3)},${n(h * 0.06)}` +
    ` q${n(s * 0.14)},${n(h * 0.06)} ${n(s * 0.22)},${n(-h * 0.34)} l${n(s * 0.16)},${n(h * 0.04)} l${n(-s * 0.08)},${n(h * 0.1)} q${n(-s * 0.04)},${n(h * 0.4)} ${n(-s * 0.28)},${n(h * 0.42)} h${n(-s * 0.5)} z`;
  const legs = [-0.3, -0.2, 0.14, 0.24].map((dx) => `M${n(x + s * dx)},${n(y - h * 0.3)} V${n(y)}`).join(' ');
  sketch.add(
    ellipse(x, y, [h * 0.6, h * 0.06], fill(hsl(20, 40, 25, 0.45))),
    shape(legs, stroke(coat, h * 0.06)),
    shape(body, fill(coat)),
  );
}
