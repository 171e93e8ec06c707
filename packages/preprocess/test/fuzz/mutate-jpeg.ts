import type { Random } from '@crosscheck/contract';
import { type CoefficientPlane, type JpegPlan, segment, unitsOf } from './write-jpeg.ts';

/** A file to try, and the size of the square that it is decoded to. */
export interface Trial {
  plan: JpegPlan;
  size: number;
}

const samplings = [
  [1, 1],
  [2, 1],
  [1, 2],
  [2, 2],
] as const;

const pick = <T>(random: Random, list: readonly T[]): T => list[random.int(list.length)] as T;

/** From low to high, both included. */
const between = (random: Random, low: number, high: number) => low + random.int(high - low + 1);

function emptyPlanes(plan: Omit<JpegPlan, 'planes'>, isGrey: boolean): CoefficientPlane[] {
  const [across, down] = unitsOf(plan);
  const plane = (h: number, v: number) => ({
    across: across * h,
    down: down * v,
    coefficients: new Int16Array(64 * across * h * down * v),
  });
  return isGrey ? [plane(1, 1)] : [plane(...plan.sampling), plane(1, 1), plane(1, 1)];
}

/** A picture that is nearly flat. */
export function startTrial(random: Random): Trial {
  const isGrey = random.int(8) === 0;
  const size = pick(random, [8, 9, 16, 24, 32]);
  const scale = pick(random, [1, 1.3, 2, 3.4, 5, 9]);
  const [width, height] = [
    Math.ceil(size * scale) + random.int(9),
    Math.ceil(size * scale * pick(random, [1, 1, 1.7])) + random.int(9),
  ];
  const sampling = isGrey ? ([1, 1] as const) : pick(random, samplings);
  const step = pick(random, [1, 2, 8, 16, 40, 255]);
  const quantisation: [Uint8Array, Uint8Array] = [new Uint8Array(64).fill(step), new Uint8Array(64).fill(step)];
  const head = { width, height, sampling, quantisation, restartUnits: pick(random, [0, 0, 1, 3, 7]), extra: [] };
  const plan: JpegPlan = { ...head, planes: emptyPlanes(head, isGrey) };
  for (const plane of plan.planes) shiftAll(plane, Math.round(between(random, -900, 900) / step));
  return { plan, size };
}

function shiftAll({ coefficients }: CoefficientPlane, by: number): void {
  for (let at = 0; at < coefficients.length; at += 64) coefficients[at] = limitMean((coefficients[at] as number) + by);
}

const limitMean = (value: number) => Math.max(-1023, Math.min(1023, value));

function copyOf({ plan, size }: Trial): Trial {
  const quantisation = plan.quantisation.map((table) => table.slice()) as [Uint8Array, Uint8Array];
  const planes = plan.planes.map((plane) => ({ ...plane, coefficients: plane.coefficients.slice() }));
  return { plan: { ...plan, quantisation, planes, extra: [...plan.extra] }, size };
}

/** Changes a trial in place. */
type Mutation = (trial: Trial, random: Random) => void;

interface Place {
  plane: CoefficientPlane;
  /** [64] */
  block: Int16Array;
  /** Its quantisation. */
  steps: Uint8Array;
}

function blockAt({ plan }: Trial, index: number, block: number): Place {
  const plane = plan.planes[index] as CoefficientPlane;
  const steps = plan.quantisation[Math.min(index, 1)] as Uint8Array;
  return { plane, block: plane.coefficients.subarray(64 * block, 64 * block + 64), steps };
}

function someBlock(trial: Trial, random: Random): Place {
  const index = random.int(trial.plan.planes.length);
  const { across, down } = trial.plan.planes[index] as CoefficientPlane;
  return blockAt(trial, index, random.int(across * down));
}

/** A level in 255ths around the middle, or far beyond what there is. */
const someLevel = (random: Random) => between(random, -1, 1) * between(random, 0, pick(random, [20, 140, 400, 1200]));

const setMean = ({ block, steps }: Place, level: number) => {
  block[0] = limitMean(Math.round((8 * level) / (steps[0] || 1)));
};

const setCoefficient = ({ block, steps }: Place, k: number, level: number) => {
  block[k] = Math.max(-1023, Math.min(1023, Math.round((8 * level) / (steps[k] || 1))));
};

/** [64, 64] for every pixel, the coefficients of a block in which it alone is bright. In zigzag order. */
const spikes = makeSpikes();

function makeSpikes(): Float64Array[] {
  const zigzag = Array.from({ length: 64 }, (_, i) => [i >> 3, i & 7] as const).sort((a, b) => {
    const along = ([v, u]: readonly [number, number]) => 64 * (v + u) + ((v + u) % 2 === 0 ? u : v);
    return along(a) - along(b);
  });
  const basis = (u: number, j: number) =>
    (u === 0 ? Math.SQRT1_2 : 1) * 0.5 * Math.cos(((2 * j + 1) * u * Math.PI) / 16);
  return Array.from({ length: 64 }, (_, pixel) =>
    Float64Array.from(zigzag, ([v, u]) => basis(v, pixel >> 3) * basis(u, pixel & 7)),
  );
}

/** By what they reach for: each of them is a way in which decoders could come to differ. */
export const mutations: Record<string, Mutation> = {
  mean: (trial, random) => setMean(someBlock(trial, random), someLevel(random)),
  alternateMeans(trial, random) {
    const index = random.int(trial.plan.planes.length);
    const { across, down } = trial.plan.planes[index] as CoefficientPlane;
    const [one, other] = [someLevel(random), someLevel(random)];
    for (let i = 0; i < across * down; i++)
      setMean(blockAt(trial, index, i), (i + Math.floor(i / across)) % 2 === 0 ? one : other);
  },
  coefficient: (trial, random) => setCoefficient(someBlock(trial, random), between(random, 1, 63), someLevel(random)),
  lowCoefficient: (trial, random) => setCoefficient(someBlock(trial, random), between(random, 1, 5), someLevel(random)),
  sameCoefficientEverywhere(trial, random) {
    const [index, k, level] = [random.int(trial.plan.planes.length), between(random, 1, 63), someLevel(random)];
    const { across, down } = trial.plan.planes[index] as CoefficientPlane;
    for (let i = 0; i < across * down; i++) setCoefficient(blockAt(trial, index, i), k, level);
  },
  spike(trial, random) {
    const place = someBlock(trial, random);
    const [spike, height] = [spikes[random.int(64)] as Float64Array, someLevel(random)];
    for (let k = 0; k < 64; k++)
      place.block[k] = limitMean(
        (place.block[k] as number) + Math.round((height * (spike[k] as number)) / (place.steps[k] || 1)),
      );
  },
  copyBlock(trial, random) {
    const [from, to] = [someBlock(trial, random), someBlock(trial, random)];
    to.block.set(from.block);
  },
  fillWithBlock(trial, random) {
    const { plane, block } = someBlock(trial, random);
    const pattern = block.slice();
    for (let at = 0; at < plane.coefficients.length; at += 64) plane.coefficients.set(pattern, at);
  },
  negate: (trial, random) => {
    const { block } = someBlock(trial, random);
    for (let k = 1; k < 64; k++) block[k] = -(block[k] as number);
  },
  clear: (trial, random) => void someBlock(trial, random).block.fill(0, 1),
  scale(trial, random) {
    const [{ block }, factor] = [someBlock(trial, random), pick(random, [0.5, 0.9, 1.1, 2])];
    for (let k = 0; k < 64; k++) block[k] = limitMean(Math.round((block[k] as number) * factor));
  },
  shift: (trial, random) => shiftAll(pick(random, trial.plan.planes), pick(random, [-20, -3, -1, 1, 3, 20])),
  quantisation(trial, random) {
    const table = pick(random, trial.plan.quantisation);
    table[random.int(64)] = pick(random, [0, 1, 2, 17, 64, 200, 255]);
  },
  wholeQuantisation: (trial, random) =>
    void pick(random, trial.plan.quantisation).fill(pick(random, [1, 3, 16, 50, 99, 255])),
  size: (trial, random) => void (trial.size = Math.max(1, trial.size + pick(random, [-7, -1, 1, 7]))),
  crop({ plan }, random) {
    const [across, down] = unitsOf(plan);
    // As many units as before.
    plan.width = 8 * plan.sampling[0] * (across - 1) + between(random, 1, 8 * plan.sampling[0]);
    plan.height = 8 * plan.sampling[1] * (down - 1) + between(random, 1, 8 * plan.sampling[1]);
  },
  restarts: ({ plan }, random) => void (plan.restartUnits = pick(random, [0, 1, 2, 5, 1000])),
  extra: ({ plan }, random) => void plan.extra.push(pick(random, extras)),
  noExtra: ({ plan }) => void plan.extra.splice(0),
};

const ascii = (text: string) => [...Buffer.from(text, 'latin1')];
const exif = (...entries: number[][]) =>
  segment(0xe1, [...ascii('Exif\0\0II*\0'), 8, 0, 0, 0, entries.length, 0, ...entries.flat(), 0, 0, 0, 0]);
const orientation = (value: number, { type = 3, count = 1 } = {}) => [0x12, 1, type, 0, count, 0, 0, 0, value, 0, 0, 0];

/** Segments that say how a picture is to be understood. */
const extras = [
  segment(0xe0, [...ascii('JFIF\0'), 1, 1, 0, 0, 1, 0, 1, 0, 0]),
  ...[0, 1, 2].map((transform) => segment(0xee, [...ascii('Adobe'), 0, 100, 0, 0, 0, 0, transform])),
  ...[1, 3, 6, 9].map((value) => exif(orientation(value))),
  ...[{ type: 4 }, { type: 1 }, { count: 2 }, { count: 0 }].map((form) => exif(orientation(6, form))),
  exif(orientation(3), orientation(6)),
  exif([0x10, 1, 2, 0, 3, 0, 0, 0, 65, 66, 0, 0], orientation(8)),
  segment(0xe2, [...ascii('ICC_PROFILE\0'), 1, 1, ...Array.from({ length: 32 }, () => 0)]),
  segment(0xe2, [...ascii('MPF\0II*\0'), 8, 0, 0, 0, 0, 0]),
  segment(0xfe, ascii('a comment')),
  segment(0xdd, [0, 2]),
  segment(0xdb, [0x10, ...Array.from({ length: 128 }, (_, i) => i & 1)]), // 16 bits each
];

/** A changed copy. */
export function mutate(trial: Trial, random: Random): Trial {
  const changed = copyOf(trial);
  const times = pick(random, [1, 1, 1, 2, 5]);
  for (let i = 0; i < times; i++) mutations[pick(random, Object.keys(mutations))]?.(changed, random);
  return changed;
}

/** A coded file with some bytes of its own. */
export function damage(file: Buffer, random: Random): Buffer {
  const damaged = Buffer.from(file);
  const end = random.int(2) === 0 ? Math.min(file.length, 420) : file.length;
  for (let n = between(random, 1, 3); n > 0; n--) damaged[2 + random.int(end - 2)] = random.int(256);
  return damaged;
}
