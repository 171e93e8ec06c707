import { createRandom } from '@crosscheck/contract';

/** Rows of numbers, all of the same width. */
export interface Matrix {
  rows: number;
  width: number;
  /** [rows, width] */
  values: Float32Array;
}

/** The strongest components of some. */
export function firstComponents({ rows, width, values }: Matrix, count: number): Matrix {
  if (count >= width) return { rows, width, values };
  const kept = new Float32Array(rows * count);
  for (let row = 0; row < rows; row++) kept.set(values.subarray(row * width, row * width + count), row * count);
  return { rows, width: count, values: kept };
}

/** Rows that the components are fitted on: more change them little. */
const FITTED_ROWS = 4000;
const ROUNDS = 12;

/**
 * The strongest principal components of some rows, the strongest first, each with mean 0 and variance 1 (randomised subspace iteration, Halko, Martinsson and Tropp
 * 2011). Labels are not looked at.
 *
 * @param count most components; directions without any variance are left out
 */
export function principalComponents(of: Matrix, count: number, seed: number): Matrix {
  const means = meansOf(of);
  const fitted = everySoOften(of, FITTED_ROWS);
  const basis = dominantSubspace(fitted, means, Math.min(count, of.width, Math.max(1, fitted.rows - 1)), seed);
  return whiten(project(of, means, basis));
}

function meansOf({ rows, width, values }: Matrix): Float64Array {
  const means = new Float64Array(width);
  for (let i = 0; i < values.length; i++)
    means[i % width] = (means[i % width] as number) + (values[i] as number) / rows;
  return means;
}

function everySoOften(of: Matrix, most: number): Matrix {
  const step = Math.max(1, of.rows / most);
  const chosen = Array.from({ length: Math.min(of.rows, most) }, (_, i) => Math.floor(i * step));
  const values = new Float32Array(chosen.length * of.width);
  for (const [i, row] of chosen.entries())
    values.set(of.values.subarray(row * of.width, (row + 1) * of.width), i * of.width);
  return { rows: chosen.length, width: of.width, values };
}

/** Orthonormal columns, as vectors. */
function dominantSubspace(of: Matrix, means: Float64Array, count: number, seed: number): Float64Array[] {
  const random = createRandom(seed, 'components');
  let basis: Float64Array[] = Array.from({ length: count }, () =>
    Float64Array.from({ length: of.width }, () => random.next() - 0.5),
  );
  for (let round = 0; round < ROUNDS; round++) {
    basis = orthonormal(basis);
    const projected = project(of, means, basis);
    basis = basis.map(() => new Float64Array(of.width));
    for (let row = 0; row < of.rows; row++) {
      for (const [c, vector] of basis.entries()) {
        const weight = projected.values[row * count + c] as number;
        for (let i = 0; i < of.width; i++)
          vector[i] =
            (vector[i] as number) + weight * ((of.values[row * of.width + i] as number) - (means[i] as number));
      }
    }
  }
  return orthonormal(basis);
}

/** Gram and Schmidt, twice, since once is not enough for nearly parallel vectors. Vectors without a direction of their own become 0. */
function orthonormal(vectors: readonly Float64Array[]): Float64Array[] {
  const done: Float64Array[] = [];
  for (const vector of vectors) {
    const before = Math.hypot(...vector);
    for (let pass = 0; pass < 2; pass++) {
      for (const other of done) {
        const share = vector.reduce((sum, x, i) => sum + x * (other[i] as number), 0);
        for (let i = 0; i < vector.length; i++) vector[i] = (vector[i] as number) - share * (other[i] as number);
      }
    }
    const length = Math.hypot(...vector);
    done.push(vector.map((x) => (length > 1e-9 * before ? x / length : 0)));
  }
  return done;
}

function project({ rows, width, values }: Matrix, means: Float64Array, basis: readonly Float64Array[]): Matrix {
  const projected = new Float32Array(rows * basis.length);
  for (let row = 0; row < rows; row++) {
    for (const [c, vector] of basis.entries()) {
      let sum = 0;
      for (let i = 0; i < width; i++)
        sum += (vector[i] as number) * ((values[row * width + i] as number) - (means[i] as number));
      projected[row * basis.length + c] = sum;
    }
  }
  return { rows, width: basis.length, values: projected };
}

/** Variance 1 for each column that has any. */
function whiten({ rows, width, values }: Matrix): Matrix {
  const deviations = Array.from({ length: width }, (_, c) => {
    let sum = 0;
    for (let row = 0; row < rows; row++) sum += (values[row * width + c] as number) ** 2;
    return Math.sqrt(sum / rows);
  });
  const strongest = Math.max(...deviations);
  const kept = [...deviations.keys()].filter((c) => (deviations[c] as number) > 1e-5 * strongest);
  const whitened = new Float32Array(rows * kept.length);
  for (let row = 0; row < rows; row++)
    for (const [to, from] of kept.entries())
      whitened[row * kept.length + to] = (values[row * width + from] as number) / (deviations[from] as number);
  return { rows, width: kept.length, values: whitened };
}
