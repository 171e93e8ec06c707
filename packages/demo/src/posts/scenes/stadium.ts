import { paintClouds, paintSky } from '../landscape.ts';
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
} from '../sketch.ts';

/** A football match: striped pitch in perspective, stands full of people, floodlights, two teams, a goal. */
export function drawStadium(sketch: Sketch): void {
  const { random, height } = sketch;
  const isNight = random.next() < 0.5;
  const top = height * random.uniform(0.4, 0.52);
  if (isNight) paintSky(sketch, hsl(225, 50, 8), hsl(222, 45, 22));
  else paintSky(sketch, hsl(205, 60, 60), hsl(205, 50, 86));
  if (!isNight) paintClouds(sketch, hsl(205, 30, 97, 0.8), { from: 0, to: top * 0.3, count: 3, size: 7 });
  paintStands(sketch, top, isNight);
  paintPitch(sketch, top);
  paintFloodlights(sketch, top, isNight);
  if (random.next() < 0.7) paintGoal(sketch, top);
  paintTeams(sketch, top);
}

function paintStands(sketch: Sketch, top: number, isNight: boolean): void {
  const { random, width, unit } = sketch;
  const upper = top - random.uniform(22, 32) * unit;
  const club = random.uniform(0, 360);
  sketch.add(
    rect(
      0,
      upper,
      [width, top - upper],
      fill(sketch.gradient(hsl(club, 12, isNight ? 16 : 38), hsl(club, 15, isNight ? 26 : 50))),
    ),
  );
  sketch.add(rect(0, upper - 3 * unit, [width, 4 * unit], fill(hsl(215, 10, isNight ? 24 : 78))));
  const colors = [hsl(club, 75, 55), hsl(club + 180, 55, 55), hsl(0, 0, 94), hsl(30, 45, 62), hsl(220, 30, 25)];
  // One path per colour: a crowd of separate circles would dominate the drawing time.
  const crowd = colors.map(() => '');
  for (let y = upper + 3 * unit; y < top - 3 * unit; y += 2.2 * unit) {
    for (let x = 0; x < width; x += 2.1 * unit) {
      const who = random.next() < 0.45 ? 0 : random.int(colors.length);
      const r = random.uniform(0.6, 0.95) * unit;
      crowd[who] += `M${n(x + random.uniform(-0.5, 0.5) * unit)},${n(y)}h${n(r)}v${n(r * 1.3)}h${n(-r)}z`;
    }
  }
  sketch.add(...crowd.map((d, i) => shape(d === '' ? 'M0,0' : d, fill(colors[i] as string))));
  for (let x = 0; x < width; x += 17 * unit) {
    sketch.add(
      rect(x, top - 3 * unit, [16 * unit, 3 * unit], fill(hsl(random.uniform(0, 360), 65, random.uniform(40, 90)))),
    );
  }
}

function paintPitch(sketch: Sketch, top: number): void {
  const { random, width, height, unit } = sketch;
  const green = random.uniform(92, 128);
  const light = random.uniform(34, 44);
  const vanish = random.uniform(0.35, 0.65) * width;
  sketch.add(rect(0, top, [width, height - top], fill(hsl(green, 50, light))));
  const at = (x: number, depth: number): Point => [
    vanish + (x - vanish) * (0.5 + depth * 1.1),
    top + (height - top) * depth,
  ];
  for (let stripe = -3; stripe < 12; stripe += 2) {
    const [x0, x1] = [(stripe / 9) * width, ((stripe + 1) / 9) * width];
    sketch.add(polygon([at(x0, 0), at(x1, 0), at(x1, 1), at(x0, 1)], fill(hsl(green, 52, light + 6))));
  }
  const paint = stroke(hsl(90, 30, 96, 0.85), 0.8 * unit);
  const [middle] = at(random.uniform(0.3, 0.7) * width, 0.45);
  const depth = top + (height - top) * 0.45;
  sketch.add(
    line([0, top + 2 * unit], [width, top + 2 * unit], paint),
    ellipse(middle, depth, [19 * unit, 7.5 * unit], paint),
  );
  sketch.add(
    line([vanish + (middle - vanish) * 0.6, top + 2 * unit], [vanish + (middle - vanish) * 1.7, height], paint),
  );
}

function paintFloodlights(sketch: Sketch, top: number, isNight: boolean): void {
  const { random, width, unit } = sketch;
  const y = top - random.uniform(36, 44) * unit;
  for (const x of [0.1, 0.9].map((share) => share * width)) {
    sketch.add(line([x, top - 24 * unit], [x, y], stroke(hsl(215, 8, 45), 1.2 * unit)));
    sketch.add(rect(x - 6 * unit, y - 3 * unit, [12 * unit, 5 * unit], fill(hsl(210, 10, 35))));
    for (let lamp = 0; lamp < 4; lamp++)
      sketch.add(circle(x + (lamp - 1.5) * 2.7 * unit, y - 0.5 * unit, 1.1 * unit, fill(hsl(55, 100, 96))));
    if (isNight) sketch.add(circle(x, y, 26 * unit, fill(sketch.glow(hsl(55, 80, 96), 0.75))));
  }
}

function paintGoal(sketch: Sketch, top: number): void {
  const { random, width, unit } = sketch;
  const x = random.uniform(0.15, 0.65) * width;
  const [w, h] = [24 * unit, 11 * unit];
  const net = stroke(hsl(0, 0, 96, 0.45), 0.3 * unit);
  for (let i = 1; i < 8; i++)
    sketch.add(line([x + (w * i) / 8, top + 4 * unit - h], [x + (w * i) / 8, top + 4 * unit], net));
  for (let i = 1; i < 4; i++)
    sketch.add(line([x, top + 4 * unit - (h * i) / 4], [x + w, top + 4 * unit - (h * i) / 4], net));
  sketch.add(shape(`M${n(x)},${n(top + 4 * unit)} v${n(-h)} h${n(w)} v${n(h)}`, stroke(hsl(0, 0, 98), 1.1 * unit)));
}

function paintTeams(sketch: Sketch, top: number): void {
  const { random, width, height, unit } = sketch;
  const shirts = [random.uniform(0, 360), random.uniform(0, 360)].map((hue) => hsl(hue, 85, random.uniform(42, 62)));
  const players = Array.from({ length: 7 + random.int(6) }, (_, i) => ({
    x: random.uniform(0.04, 0.96) * width,
    depth: random.uniform(0.08, 0.9),
    shirt: shirts[i % 2] as string,
  })).sort((a, b) => a.depth - b.depth);
  for (const { x, depth, shirt } of players) {
    sketch.add(player(sketch, [x, top + depth * (height - top)], { size: (9 + depth * 12) * unit, shirt }));
  }
  const ball = [random.uniform(0.2, 0.8) * width, top + random.uniform(0.3, 0.9) * (height - top)] as const;
  sketch.add(
    ellipse(ball[0], ball[1] + 1.3 * unit, [2 * unit, 0.6 * unit], fill(hsl(120, 40, 12, 0.5))),
    circle(...ball, 1.5 * unit, fill(hsl(0, 0, 98))),
  );
}

function player({ random }: Sketch, [x, y]: Point, { size, shirt }: { size: number; shirt: string }): string {
  const stride = random.uniform(-0.22, 0.22) * size;
  const skin = hsl(26, 42, random.uniform(28, 72));
  const hip = y - size * 0.45;
  return [
    ellipse(x + size * 0.1, y, [size * 0.32, size * 0.06], fill(hsl(120, 40, 10, 0.4))),
    line([x, hip], [x + stride, y], stroke(hsl(0, 0, 96), size * 0.1)),
    line([x, hip], [x - stride, y], stroke(skin, size * 0.1)),
    line([x - size * 0.2, y - size * 0.55], [x + size * 0.2, y - size * 0.65], stroke(skin, size * 0.08)),
    rect(x - size * 0.14, y - size * 0.78, [size * 0.28, size * 0.36], `${fill(shirt)} rx="${n(size * 0.06)}"`),
    circle(x, y - size * 0.87, size * 0.11, fill(skin)),
  ].join('');
}
