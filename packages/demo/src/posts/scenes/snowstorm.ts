import { conifer, house, paintHills, paintSky } from '../landscape.ts';
import { circle, ellipse, fill, hsl, line, n, polygon, rect, type Sketch, shape, stroke } from '../sketch.ts';

/** White-out: buried houses and conifers behind driving flakes. */
export function drawSnowstorm(sketch: Sketch): void {
  const { random, height } = sketch;
  const hue = random.uniform(200, 235);
  const light = random.uniform(-14, 4);
  const horizon = height * random.uniform(0.5, 0.66);
  paintSky(sketch, hsl(hue, 22, 62 + light), hsl(hue, 18, 84 + light));
  const far = paintHills(sketch, { base: horizon - height * 0.08, roughness: 5, color: hsl(hue, 16, 80 + light) });
  paintSnowyTrees(sketch, far, { count: 8 + random.int(6), size: 13, hue, light: 52 + light });
  const near = paintHills(sketch, {
    base: horizon + height * 0.1,
    roughness: 3,
    color: hsl(hue, 14, 91 + light * 0.6),
  });
  if (random.next() < 0.7) paintBuriedHouse(sketch, near, hue);
  paintSnowyTrees(sketch, near, { count: 2 + random.int(4), size: 30, hue, light: 34 + light });
  if (random.next() < 0.55) paintBuriedCar(sketch);
  paintHills(sketch, { base: height * 0.9, roughness: 3, color: hsl(hue, 10, 97 + light * 0.4) });
  paintFlakes(sketch);
}

function paintSnowyTrees(
  sketch: Sketch,
  surface: (x: number) => number,
  options: { count: number; size: number; hue: number; light: number },
): void {
  const { random, width, unit } = sketch;
  for (let i = 0; i < options.count; i++) {
    const x = random.uniform(-0.02, 1.02) * width;
    const y = surface(x) + unit;
    const size = options.size * random.uniform(0.7, 1.35) * unit;
    sketch.add(conifer(random, [x, y], size, hsl(options.hue - 45, 20, options.light)));
    sketch.add(
      `<g transform="translate(${n(-size * 0.03)} ${n(-size * 0.07)})">${conifer(random, [x, y - size * 0.12], size * 0.8, hsl(options.hue, 20, 95, 0.8))}</g>`,
    );
  }
}

function paintBuriedHouse(sketch: Sketch, surface: (x: number) => number, hue: number): void {
  const { random, width, unit } = sketch;
  const size = random.uniform(24, 34) * unit;
  const x = random.uniform(0.05, 0.65) * width;
  const y = surface(x + size / 2) + 3 * unit;
  const isLit = random.next() < 0.5;
  const wall = hsl([8, 28, 205, 45][random.int(4)] as number, 35, random.uniform(30, 52));
  sketch.add(
    house([x, y], [size, size * 0.5], {
      wall,
      roof: hsl(hue, 15, 98),
      window: isLit ? hsl(42, 95, 66) : hsl(hue, 30, 28),
    }),
  );
  sketch.add(rect(x - size * 0.1, y - size * 0.53, [size * 1.2, size * 0.07], `${fill(hsl(hue, 20, 88))} rx="2"`));
  sketch.add(ellipse(x + size / 2, y, [size * 0.8, size * 0.14], fill(hsl(hue, 12, 95))));
}

function paintBuriedCar(sketch: Sketch): void {
  const { random, width, height, unit } = sketch;
  const size = random.uniform(20, 28) * unit;
  const x = random.uniform(0.1, 0.65) * width;
  const y = height * random.uniform(0.84, 0.9);
  const paint = hsl(random.uniform(0, 360), 55, 42);
  sketch.add(rect(x, y - size * 0.26, [size, size * 0.26], `${fill(paint)} rx="${n(size * 0.07)}"`));
  sketch.add(
    polygon(
      [
        [x + size * 0.18, y - size * 0.26],
        [x + size * 0.3, y - size * 0.45],
        [x + size * 0.7, y - size * 0.45],
        [x + size * 0.85, y - size * 0.26],
      ],
      fill(hsl(205, 25, 35)),
    ),
  );
  const cap = `M${n(x + size * 0.2)},${n(y - size * 0.43)} q${n(size * 0.3)},${n(-size * 0.2)} ${n(size * 0.6)},0 z`;
  sketch.add(
    shape(cap, fill(hsl(210, 15, 98))),
    circle(x + size * 0.92, y - size * 0.15, size * 0.04, fill(hsl(48, 100, 75))),
  );
}

function paintFlakes(sketch: Sketch): void {
  const { random, width, height, unit } = sketch;
  const wind = random.uniform(-7, 7);
  const flakes = 90 + random.int(110);
  for (let i = 0; i < flakes; i++) {
    const [x, y] = [random.uniform(0, width), random.uniform(0, height)];
    const size = random.uniform(0.3, 1.1) * unit;
    const white = hsl(210, 20, 99, random.uniform(0.55, 1));
    if (i % 3 === 0) sketch.add(line([x, y], [x + wind * size * 0.8, y + 2.5 * size], stroke(white, size)));
    else sketch.add(circle(x, y, size, fill(white)));
  }
  const veil = sketch.blur(5);
  for (let i = 0; i < 3; i++) {
    const at = [random.uniform(0, width), random.uniform(0.3, 0.9) * height] as const;
    sketch.add(ellipse(...at, [width * 0.5, height * 0.09], `${fill(hsl(210, 20, 98, 0.5))} ${veil}`));
  }
}
