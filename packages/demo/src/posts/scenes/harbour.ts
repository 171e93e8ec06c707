import { paintBirds, paintClouds, paintHills, paintSky, paintSun, paintWater } from '../landscape.ts';
import { circle, fill, hsl, line, n, type Point, polygon, rect, type Sketch, shape, stroke } from '../sketch.ts';

/** Open water with sailing boats or a freighter, and a pier, a lighthouse or cranes. */
export function drawHarbour(sketch: Sketch): void {
  const { random, width, height, unit } = sketch;
  const horizon = height * random.uniform(0.42, 0.56);
  const isSunset = random.next() < 0.3;
  const hue = random.uniform(192, 216);
  paintSky(
    sketch,
    ...(isSunset
      ? [hsl(255, 30, 42), hsl(20, 75, 66), hsl(42, 90, 78)]
      : [hsl(hue, 65, random.uniform(50, 62)), hsl(hue, 55, 88)]),
  );
  if (isSunset) paintSun(sketch, [random.uniform(0.2, 0.8) * width, horizon - 5 * unit], 5 * unit, hsl(45, 100, 84));
  else
    paintClouds(sketch, hsl(hue, 30, 97, 0.85), {
      from: height * 0.05,
      to: horizon * 0.7,
      count: 1 + random.int(4),
      size: 7,
    });
  if (random.next() < 0.6)
    paintHills(sketch, { base: horizon - 2 * unit, roughness: 4, color: hsl(hue + 10, 25, isSunset ? 34 : 58) });
  const sea = isSunset
    ? { far: hsl(30, 55, 62), near: hsl(235, 38, 28), glint: hsl(42, 95, 82, 0.6) }
    : { far: hsl(hue, 55, 58), near: hsl(hue + 6, 65, random.uniform(26, 36)), glint: hsl(hue, 60, 88, 0.6) };
  paintWater(sketch, horizon, sea, 42);
  const landmark = [paintLighthouse, paintCranes, paintPier][random.int(3)] as (
    sketch: Sketch,
    horizon: number,
  ) => void;
  landmark(sketch, horizon);
  if (random.next() < 0.4) paintFreighter(sketch, horizon + random.uniform(2, 10) * unit);
  const boats = 2 + random.int(3);
  for (let i = 0; i < boats; i++) {
    const depth = random.uniform(0.12, 0.85);
    paintSailboat(
      sketch,
      [((i + random.uniform(0.15, 0.85)) / boats) * width, horizon + depth * (height - horizon)],
      0.55 + depth * 0.8,
    );
  }
  paintBirds(sketch, isSunset ? hsl(250, 30, 22) : hsl(0, 0, 98), 3 + random.int(5), horizon);
}

function paintSailboat(sketch: Sketch, [x, y]: Point, scale: number): void {
  const { random, unit } = sketch;
  const s = random.uniform(17, 22) * unit * scale;
  const sail = random.next() < 0.7 ? hsl(45, 30, 97) : hsl(random.uniform(0, 360), 70, 58);
  const hull = hsl([0, 210, 28, 0][random.int(4)] as number, 60, random.uniform(25, 90));
  sketch.add(line([x, y], [x, y - s * 1.35], stroke(hsl(30, 30, 25), s * 0.04)));
  sketch.add(
    polygon(
      [
        [x + s * 0.04, y - s * 1.3],
        [x + s * 0.04, y - s * 0.2],
        [x + s * 0.52, y - s * 0.2],
      ],
      fill(sail),
    ),
  );
  sketch.add(
    polygon(
      [
        [x - s * 0.05, y - s * 1.15],
        [x - s * 0.05, y - s * 0.2],
        [x - s * 0.36, y - s * 0.2],
      ],
      `${fill(sail)} opacity="0.85"`,
    ),
  );
  sketch.add(
    polygon(
      [
        [x - s * 0.5, y - s * 0.13],
        [x + s * 0.56, y - s * 0.13],
        [x + s * 0.38, y + s * 0.1],
        [x - s * 0.34, y + s * 0.1],
      ],
      fill(hull),
    ),
  );
  sketch.add(line([x - s * 0.6, y + s * 0.13], [x + s * 0.62, y + s * 0.13], stroke(hsl(200, 40, 95, 0.6), s * 0.05)));
}

function paintFreighter(sketch: Sketch, y: number): void {
  const { random, width, unit } = sketch;
  const s = random.uniform(38, 55) * unit;
  const x = random.uniform(0.05, 0.9) * (width - s);
  const hull = hsl([2, 215, 150][random.int(3)] as number, 50, 28);
  const boxes = Array.from({ length: 14 }, (_, i) => {
    const [column, row] = [i % 7, Math.floor(i / 7)];
    return rect(
      x + s * (0.08 + column * 0.095),
      y - s * (0.2 + row * 0.07),
      [s * 0.088, s * 0.065],
      fill(hsl(random.uniform(0, 360), 60, 50)),
    );
  });
  sketch.add(...boxes, rect(x + s * 0.78, y - s * 0.34, [s * 0.12, s * 0.22], fill(hsl(0, 0, 94))));
  sketch.add(
    polygon(
      [
        [x, y - s * 0.13],
        [x + s, y - s * 0.13],
        [x + s * 0.94, y],
        [x + s * 0.06, y],
      ],
      fill(hull),
    ),
  );
}

function paintLighthouse(sketch: Sketch, horizon: number): void {
  const { random, width, unit } = sketch;
  const x = (random.next() < 0.5 ? random.uniform(0.08, 0.25) : random.uniform(0.75, 0.92)) * width;
  const [h, w] = [random.uniform(30, 38) * unit, 6 * unit];
  sketch.add(
    shape(
      `M${n(x - 19 * unit)},${n(horizon + 5 * unit)} q${n(19 * unit)},${n(-15 * unit)} ${n(38 * unit)},0 z`,
      fill(hsl(30, 14, 36)),
    ),
  );
  const half = (at: number) => (w / 2) * (1 - 0.35 * at);
  for (let band = 0; band < 5; band++) {
    const [low, high] = [band / 5, (band + 1) / 5];
    const [y0, y1] = [horizon - 2 * unit - low * h, horizon - 2 * unit - high * h];
    const corners: Point[] = [
      [x - half(low), y0],
      [x + half(low), y0],
      [x + half(high), y1],
      [x - half(high), y1],
    ];
    sketch.add(polygon(corners, fill(band % 2 === 0 ? hsl(4, 72, 48) : hsl(0, 0, 96))));
  }
  const top = horizon - 2 * unit - h;
  sketch.add(
    circle(x, top, 9 * unit, fill(sketch.glow(hsl(50, 100, 80), 0.6))),
    rect(x - w * 0.28, top - 4 * unit, [w * 0.56, 4 * unit], fill(hsl(50, 95, 74))),
  );
  sketch.add(
    polygon(
      [
        [x - w * 0.42, top - 4 * unit],
        [x, top - 7 * unit],
        [x + w * 0.42, top - 4 * unit],
      ],
      fill(hsl(0, 0, 22)),
    ),
  );
}

function paintCranes(sketch: Sketch, horizon: number): void {
  const { random, width, unit } = sketch;
  const paint = stroke(hsl([8, 210, 45][random.int(3)] as number, 70, 42), 1.3 * unit);
  const isLeft = random.next() < 0.5;
  sketch.add(rect(isLeft ? 0 : width * 0.5, horizon - unit, [width * 0.5, 5 * unit], fill(hsl(220, 8, 45))));
  for (let i = 0; i < 3; i++) {
    const x = (isLeft ? 0.06 : 0.58) * width + i * 14 * unit;
    const top = horizon - random.uniform(24, 34) * unit;
    sketch.add(
      line([x, horizon], [x + 2 * unit, top], paint),
      line([x + 6 * unit, horizon], [x + 4 * unit, top], paint),
    );
    sketch.add(
      line([x - 3 * unit, top + 5 * unit], [x + 15 * unit, top + 4 * unit], paint),
      line([x + 3 * unit, top], [x + 15 * unit, top + 4 * unit], paint),
    );
  }
}

function paintPier(sketch: Sketch, horizon: number): void {
  const { random, width, height, unit } = sketch;
  const wood = hsl(28, 35, random.uniform(24, 36));
  const isLeft = random.next() < 0.5;
  const [near, far] = isLeft ? [0, 0.42] : [1, 0.58];
  const y = (at: number) => horizon + 4 * unit + (1 - at) * (height - horizon) * 0.5;
  for (let i = 0; i < 7; i++) {
    const x = (near + (far - near) * (i / 6)) * width;
    sketch.add(line([x, y(i / 6)], [x, y(i / 6) + (9 - i) * unit], stroke(wood, (2.2 - i * 0.2) * unit)));
  }
  sketch.add(
    polygon(
      [
        [near * width, y(0) - 2 * unit],
        [far * width, y(1)],
        [far * width, y(1) + 1.6 * unit],
        [near * width, y(0) + 4 * unit],
      ],
      fill(wood),
    ),
  );
}
