import { broadleaf, conifer, paintHills, paintSky } from '../landscape.ts';
import { ellipse, fill, hsl, n, polygon, rect, type Sketch, shape } from '../sketch.ts';

interface Season {
  /** Hues of the leaves. */
  leaves: readonly [from: number, to: number];
  saturation: number;
  ground: number;
  haze: string;
}

const seasons: Season[] = [
  { leaves: [95, 145], saturation: 42, ground: 105, haze: hsl(95, 40, 86) },
  { leaves: [70, 110], saturation: 50, ground: 85, haze: hsl(65, 55, 87) },
  { leaves: [130, 175], saturation: 28, ground: 140, haze: hsl(170, 18, 84) },
  { leaves: [22, 58], saturation: 62, ground: 50, haze: hsl(45, 55, 86) },
];

/** Trees behind trees in haze, with trunks in front and sometimes a path or shafts of light. */
export function drawForest(sketch: Sketch): void {
  const { random, height } = sketch;
  const season = seasons[random.int(seasons.length)] as Season;
  paintSky(sketch, hsl(season.leaves[0], 25, 80), season.haze);
  const isConiferous = season.leaves[1] > 120 && random.next() < 0.6;
  for (const [depth, light] of [66, 50, 37].entries()) {
    const base = height * (0.6 + depth * 0.1);
    const surface = paintHills(sketch, {
      base,
      roughness: 2.5,
      color: hsl(season.ground, season.saturation * 0.7, light + 4),
    });
    paintTrees(sketch, surface, { season, light, size: 32 + depth * 13, isConiferous });
  }
  paintHills(sketch, { base: height * 0.88, roughness: 2, color: hsl(season.ground, season.saturation * 0.8, 25) });
  if (random.next() < 0.5) paintPath(sketch);
  if (random.next() < 0.6) paintTrunks(sketch);
  if (random.next() < 0.6) paintLight(sketch);
}

interface Stand {
  season: Season;
  light: number;
  size: number;
  isConiferous: boolean;
}

function paintTrees(
  sketch: Sketch,
  surface: (x: number) => number,
  { season, light, size, isConiferous }: Stand,
): void {
  const { random, width, unit } = sketch;
  const count = isConiferous ? 11 : 8;
  for (let i = 0; i < count; i++) {
    const x = ((i + random.uniform(0, 1)) / count) * width;
    const height = size * random.uniform(0.75, 1.25) * unit;
    const crown = hsl(
      random.uniform(...season.leaves),
      season.saturation * random.uniform(0.8, 1.2),
      light + random.uniform(-6, 5),
    );
    const at = [x, surface(x) + unit] as const;
    sketch.add(
      isConiferous
        ? conifer(random, at, height * 1.15, crown)
        : broadleaf(random, at, height, { crown, trunk: hsl(28, 22, light * 0.6) }),
    );
  }
}

/** Near trunks that run out of the picture at the top. */
function paintTrunks(sketch: Sketch): void {
  const { random, width, height, unit } = sketch;
  const isBirch = random.next() < 0.3;
  const count = 2 + random.int(3);
  for (let i = 0; i < count; i++) {
    const x = ((i + random.uniform(0.1, 0.9)) / count) * width;
    const w = random.uniform(3.5, 7) * unit;
    const bark = isBirch ? hsl(45, 12, 84) : hsl(random.uniform(18, 34), 28, random.uniform(14, 24));
    sketch.add(
      polygon(
        [
          [x - w * 0.75, height],
          [x - w * 0.4, 0],
          [x + w * 0.4, 0],
          [x + w * 0.75, height],
        ],
        fill(bark),
      ),
    );
    sketch.add(
      polygon(
        [
          [x + w * 0.2, height],
          [x + w * 0.12, 0],
          [x + w * 0.4, 0],
          [x + w * 0.75, height],
        ],
        fill(hsl(20, 25, 8, 0.35)),
      ),
    );
    for (let mark = 0; isBirch && mark < 7; mark++) {
      sketch.add(
        rect(x - w * 0.4, random.uniform(0, height), [w * random.uniform(0.3, 0.7), 0.8 * unit], fill(hsl(30, 15, 18))),
      );
    }
  }
}

function paintPath(sketch: Sketch): void {
  const { random, width, height } = sketch;
  const far = random.uniform(0.35, 0.65) * width;
  const bend = random.uniform(-0.2, 0.2) * width;
  const top = height * 0.8;
  const d = `M${n(far - width * 0.02)},${n(top)} Q${n(far + bend)},${n(height * 0.88)} ${n(width * 0.3)},${height} H${n(width * 0.7)} Q${n(far + bend + width * 0.08)},${n(height * 0.88)} ${n(far + width * 0.03)},${n(top)} Z`;
  sketch.add(shape(d, fill(hsl(34, 32, random.uniform(48, 62)))));
}

function paintLight(sketch: Sketch): void {
  const { random, width, height } = sketch;
  const soft = sketch.blur(1.5);
  const slant = random.uniform(0.2, 0.5) * width * (random.next() < 0.5 ? -1 : 1);
  for (let i = 0; i < 3; i++) {
    const x = random.uniform(0.1, 0.9) * width;
    const w = random.uniform(0.03, 0.08) * width;
    sketch.add(
      polygon(
        [
          [x, 0],
          [x + w, 0],
          [x + slant + w * 2.2, height],
          [x + slant, height],
        ],
        `${fill(hsl(55, 90, 88, 0.28))} ${soft}`,
      ),
    );
  }
  sketch.add(ellipse(width / 2, 0, [width * 0.6, height * 0.2], `${fill(hsl(58, 90, 94, 0.35))} ${soft}`));
}
