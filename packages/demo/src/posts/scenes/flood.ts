import { broadleaf, house, paintClouds, paintHills, paintSky, paintWater, tintedGray } from '../landscape.ts';
import { ellipse, fill, hsl, line, n, polygon, rect, type Sketch, shape, stroke } from '../sketch.ts';

/** Houses and trees up to the eaves in brown water under a wet sky. */
export function drawFlood(sketch: Sketch): void {
  const { random, height } = sketch;
  const hue = random.uniform(190, 225);
  const waterline = height * random.uniform(0.48, 0.62);
  paintSky(sketch, tintedGray(hue, random.uniform(42, 60)), tintedGray(hue, random.uniform(66, 80)));
  paintClouds(sketch, tintedGray(hue, random.uniform(50, 62), 0.8), { from: 0, to: height * 0.25, count: 4, size: 11 });
  paintHills(sketch, {
    base: waterline - height * 0.08,
    roughness: 3,
    color: hsl(random.uniform(90, 150), 18, random.uniform(34, 44)),
  });
  paintStreet(sketch, waterline, { count: 4, size: 17 });
  const silt = random.uniform(24, 44);
  const tone = random.uniform(-5, 7);
  paintWater(
    sketch,
    waterline,
    { far: hsl(silt, 24, 55 + tone), near: hsl(silt, 34, 33 + tone), glint: hsl(silt, 25, 70 + tone, 0.45) },
    30,
  );
  paintSunken(sketch, waterline, { far: hsl(silt, 28, 45 + tone), rim: hsl(silt, 20, 72 + tone, 0.8) });
  paintDebris(sketch, waterline);
  if (random.next() < 0.65) paintBoat(sketch, waterline);
  if (random.next() < 0.6) paintRain(sketch);
}

function wallColors(sketch: Sketch): { wall: string; roof: string; window: string } {
  const { random } = sketch;
  const walls = [hsl(40, 30, 78), hsl(15, 45, 56), hsl(205, 22, 66), hsl(0, 0, 86), hsl(50, 45, 68)];
  const roofs = [hsl(10, 50, 36), hsl(215, 15, 32), hsl(25, 30, 26), hsl(0, 40, 42)];
  return {
    wall: walls[random.int(walls.length)] as string,
    roof: roofs[random.int(roofs.length)] as string,
    window: hsl(215, 25, 28),
  };
}

/** A row along the far bank: only what stands above the water is drawn. */
function paintStreet(sketch: Sketch, waterline: number, options: { count: number; size: number }): void {
  const { random, width, unit } = sketch;
  for (let i = 0; i < options.count; i++) {
    const x = ((i + random.uniform(0, 0.5)) / options.count) * width;
    const size = options.size * random.uniform(0.8, 1.3) * unit;
    if (random.next() < 0.3)
      sketch.add(
        broadleaf(random, [x, waterline + size * 0.2], size * 1.3, {
          crown: hsl(random.uniform(80, 130), 25, 32),
          trunk: hsl(30, 25, 24),
        }),
      );
    else sketch.add(house([x, waterline], [size, size * random.uniform(0.3, 0.55)], wallColors(sketch)));
  }
}

/** One or two nearer houses that sit in the water, each with its mirror image and a bright rim of ripples. */
function paintSunken(sketch: Sketch, waterline: number, water: { far: string; rim: string }): void {
  const { random, width, height, unit } = sketch;
  const count = 1 + random.int(2);
  for (let i = 0; i < count; i++) {
    const size = random.uniform(26, 36) * unit;
    const x = (i === 0 ? random.uniform(0.02, 0.3) : random.uniform(0.5, 0.75)) * width;
    const y = waterline + random.uniform(0.08, 0.2) * height;
    const wall = size * random.uniform(0.15, 0.4);
    const colors = wallColors(sketch);
    const mirror = `transform="matrix(1 0 0 -0.8 0 ${n(y * 1.8)})" opacity="0.3"`;
    sketch.add(house([x, y], [size, wall], colors), `<g ${mirror}>${house([x, y], [size, wall], colors)}</g>`);
    sketch.add(ellipse(x + size / 2, y + unit, [size * 0.72, 1.3 * unit], fill(water.rim)));
  }
}

function paintDebris(sketch: Sketch, waterline: number): void {
  const { random, width, height, unit } = sketch;
  const pieces = 3 + random.int(6);
  for (let i = 0; i < pieces; i++) {
    const x = random.uniform(0, width);
    const y = random.uniform(waterline + height * 0.1, height);
    const turn = `transform="rotate(${n(random.uniform(-18, 18))} ${n(x)} ${n(y)})"`;
    sketch.add(
      rect(
        x,
        y,
        [random.uniform(4, 11) * unit, random.uniform(1, 2) * unit],
        `${fill(hsl(28, 40, random.uniform(18, 32)))} ${turn}`,
      ),
    );
  }
}

function paintBoat(sketch: Sketch, waterline: number): void {
  const { random, width, height, unit } = sketch;
  const x = random.uniform(0.15, 0.75) * width;
  const y = random.uniform(waterline + height * 0.16, height * 0.93);
  const size = random.uniform(17, 24) * unit;
  const hull = hsl(random.next() < 0.5 ? 12 : 50, 85, 50);
  for (const seat of [0.3, 0.5, 0.7]) {
    if (random.next() < 0.3) continue;
    sketch.add(
      ellipse(x + size * seat, y - size * 0.16, [size * 0.07, size * 0.14], fill(hsl(random.uniform(0, 360), 50, 35))),
    );
    sketch.add(
      ellipse(
        x + size * seat,
        y - size * 0.33,
        [size * 0.055, size * 0.055],
        fill(hsl(25, 40, random.uniform(35, 70))),
      ),
    );
  }
  sketch.add(
    polygon(
      [
        [x, y - size * 0.1],
        [x + size, y - size * 0.1],
        [x + size * 0.86, y + size * 0.1],
        [x + size * 0.12, y + size * 0.1],
      ],
      fill(hull),
    ),
  );
  sketch.add(
    shape(`M${n(x - size * 0.2)},${n(y + size * 0.13)} h${n(size * 1.4)}`, stroke(hsl(40, 20, 80, 0.6), 0.9 * unit)),
  );
}

function paintRain(sketch: Sketch): void {
  const { random, width, height, unit } = sketch;
  const slant = random.uniform(-4, 4) * unit;
  for (let i = 0; i < 45; i++) {
    const [x, y] = [random.uniform(0, width), random.uniform(-0.1, 1) * height];
    sketch.add(line([x, y], [x + slant, y + 8 * unit], stroke(hsl(205, 20, 88, 0.35), 0.4 * unit)));
  }
}
