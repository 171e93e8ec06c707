import { paintSky } from '../landscape.ts';
import { circle, ellipse, fill, hsl, line, n, polygon, rect, type Sketch, shape, stroke } from '../sketch.ts';

/** A skyline after dark: lit windows, a moon or stars, and a street with light trails or a river with reflections. */
export function drawNightCity(sketch: Sketch): void {
  const { random, height } = sketch;
  const hue = random.uniform(215, 285);
  const ground = height * random.uniform(0.72, 0.84);
  paintSky(
    sketch,
    hsl(hue, 55, 5),
    hsl(hue + 10, 50, 14),
    hsl(hue + random.uniform(20, 70), 45, random.uniform(20, 32)),
  );
  paintHeavens(sketch, ground);
  paintHaze(sketch, ground, hue);
  paintSkyline(sketch, ground, { hue, light: 20, lowest: 0.3, highest: 0.6, windows: 0.3 });
  paintSkyline(sketch, ground, { hue, light: 10, lowest: 0.18, highest: 0.68, windows: 0.55 });
  if (random.next() < 0.5) paintStreet(sketch, ground);
  else paintReflections(sketch, ground, hue);
}

function paintHeavens(sketch: Sketch, ground: number): void {
  const { random, width, unit } = sketch;
  for (let i = 0; i < 22; i++) {
    sketch.add(
      circle(
        random.uniform(0, width),
        random.uniform(0, 0.5) * ground,
        random.uniform(0.15, 0.45) * unit,
        fill(hsl(50, 60, 90, random.uniform(0.4, 1))),
      ),
    );
  }
  if (random.next() < 0.6) return;
  const at = [random.uniform(0.1, 0.9) * width, random.uniform(0.08, 0.25) * ground] as const;
  sketch.add(
    circle(...at, 15 * unit, fill(sketch.glow(hsl(50, 60, 85), 0.4))),
    circle(...at, random.uniform(3, 5.5) * unit, fill(hsl(50, 50, 90))),
  );
}

/** The light of the streets in the air behind the towers. */
function paintHaze(sketch: Sketch, ground: number, hue: number): void {
  const { random, width } = sketch;
  const tint = random.next() < 0.5 ? hsl(random.uniform(20, 45), 85, 55) : hsl(hue + 20, 70, 52);
  const at = [random.uniform(0.25, 0.75) * width, ground] as const;
  sketch.add(ellipse(...at, [width * 0.8, ground * 0.75], fill(sketch.glow(tint, random.uniform(0.35, 0.7)))));
}

interface Skyline {
  hue: number;
  light: number;
  lowest: number;
  highest: number;
  /** Share of windows that are lit. */
  windows: number;
}

function paintSkyline(sketch: Sketch, ground: number, look: Skyline): void {
  const { random, width, unit } = sketch;
  let x = -random.uniform(0, 8) * unit;
  while (x < width) {
    const wide = random.uniform(9, 20) * unit;
    const tall = ground * random.uniform(look.lowest, look.highest);
    const wall = hsl(look.hue + random.uniform(-12, 12), random.uniform(20, 45), look.light + random.uniform(-3, 4));
    sketch.add(rect(x, ground - tall, [wide, tall + 1], fill(wall)), roofTop(sketch, x, ground - tall, { wide, wall }));
    paintWindows(sketch, [x, ground - tall], [wide, tall], look.windows);
    x += wide + random.uniform(-1, 3) * unit;
  }
}

function roofTop(
  { random, unit }: Sketch,
  x: number,
  top: number,
  { wide, wall }: { wide: number; wall: string },
): string {
  const roll = random.next();
  if (roll < 0.2)
    return polygon(
      [
        [x, top],
        [x + wide / 2, top - wide * 0.7],
        [x + wide, top],
      ],
      fill(wall),
    );
  if (roll > 0.4) return '';
  const mast = line([x + wide / 2, top], [x + wide / 2, top - 9 * unit], stroke(wall, 0.9 * unit));
  return mast + circle(x + wide / 2, top - 9 * unit, 0.8 * unit, fill(hsl(0, 100, 60)));
}

function paintWindows(
  sketch: Sketch,
  [left, top]: readonly [number, number],
  [wide, tall]: readonly [number, number],
  share: number,
): void {
  const { random, unit } = sketch;
  const hue = [46, 46, 38, 55, 190][random.int(5)] as number;
  const step = random.uniform(2.8, 3.8) * unit;
  // One path per building: hundreds of separate elements would dominate the drawing time.
  let panes = '';
  for (let y = top + step * 0.7; y < top + tall - step; y += step * 1.15) {
    for (let x = left + step * 0.5; x < left + wide - step * 0.8; x += step) {
      if (random.next() < share) panes += `M${n(x)},${n(y)}h${n(step * 0.5)}v${n(step * 0.55)}h${n(-step * 0.5)}z`;
    }
  }
  sketch.add(shape(panes === '' ? 'M0,0' : panes, fill(hsl(hue, 95, random.uniform(62, 78)))));
}

function paintStreet(sketch: Sketch, ground: number): void {
  const { random, width, height, unit } = sketch;
  sketch.add(rect(0, ground, [width, height - ground], fill(sketch.gradient(hsl(230, 15, 14), hsl(230, 15, 7)))));
  const vanish = random.uniform(0.3, 0.7) * width;
  for (let i = 0; i < 9; i++) {
    const side = random.uniform(-0.2, 1.2) * width;
    const color = side < vanish ? hsl(48, 100, 80, 0.8) : hsl(2, 100, 55, 0.8);
    sketch.add(
      line(
        [vanish + (side - vanish) * 0.12, ground + unit],
        [side, height],
        stroke(color, random.uniform(0.5, 1.6) * unit),
      ),
    );
  }
  for (const x of [0.12, 0.5, 0.88]) {
    const at = [x * width, ground - 4 * unit] as const;
    sketch.add(
      circle(...at, 9 * unit, fill(sketch.glow(hsl(45, 100, 70), 0.6))),
      circle(...at, 0.9 * unit, fill(hsl(48, 100, 90))),
    );
  }
}

function paintReflections(sketch: Sketch, ground: number, hue: number): void {
  const { random, width, height, unit } = sketch;
  sketch.add(rect(0, ground, [width, height - ground], fill(sketch.gradient(hsl(hue, 45, 13), hsl(hue, 55, 5)))));
  for (let i = 0; i < 46; i++) {
    const y = random.uniform(ground + unit, height);
    const x = random.uniform(0, width);
    const color = hsl([45, 45, 35, 190, 330][random.int(5)] as number, 90, 65, random.uniform(0.25, 0.7));
    sketch.add(line([x, y], [x + random.uniform(2, 9) * unit, y], stroke(color, random.uniform(0.4, 1) * unit)));
  }
}
