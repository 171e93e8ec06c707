// GPTQ (Frantar et al. 2022, https://arxiv.org/abs/2210.17323): the weights of an output are rounded one input after the other, and what rounding does to
// the output is made up for by the weights that are still to come, as far as inputs go together.

/** Share of the mean diagonal that is added to it: inputs that were seen to go together may part in other posts. */
const damping = 0.01;

/** Adds x · xᵀ of every input to the lower triangle, [K, K] row-major. */
export function addOuterProducts(gram: Float64Array, rows: Float32Array, width: number): void {
  for (let start = 0; start < rows.length; start += width) {
    for (let i = 0; i < width; i++) {
      const x = rows[start + i] as number;
      if (x === 0) continue;
      for (let j = 0, at = i * width; j <= i; j++, at++)
        gram[at] = (gram[at] as number) + x * (rows[start + j] as number);
    }
  }
}

/**
 * @param matrix [out, K]
 * @param scales [out] steps of each output
 * @param gram [K, K] lower triangle of Σ x · xᵀ
 * @returns [out, K]
 */
export function roundWithGptq(matrix: Float32Array, scales: Float32Array, gram: Float64Array): Int8Array {
  const outputs = scales.length;
  const inputs = matrix.length / outputs;
  const order = byDiagonal(gram, inputs);
  const factor = upperFactorOfInverse(damped(gram, order));
  const rounded = new Int8Array(matrix.length);
  const rest = new Float64Array(inputs);
  for (let o = 0; o < outputs; o++) {
    const scale = scales[o] as number;
    order.forEach((k, i) => (rest[i] = matrix[o * inputs + k] as number));
    for (let i = 0; i < inputs; i++) {
      const value = rest[i] as number;
      const step = Math.max(-127, Math.min(127, Math.round(value / scale)));
      rounded[o * inputs + (order[i] as number)] = step;
      const error = (value - step * scale) / (factor[i * inputs + i] as number);
      for (let j = i + 1, at = i * inputs + j; j < inputs; j++, at++)
        rest[j] = (rest[j] as number) - error * (factor[at] as number);
    }
  }
  return rounded;
}

/** Inputs that matter most are rounded first. */
function byDiagonal(gram: Float64Array, size: number): number[] {
  const of = (k: number) => gram[k * size + k] as number;
  return Array.from({ length: size }, (_, k) => k).sort((a, b) => of(b) - of(a));
}

/** The whole symmetric matrix in this order, a little more of it on the diagonal. */
function damped(gram: Float64Array, order: readonly number[]): Float64Array {
  const size = order.length;
  const mean = order.reduce((sum, k) => sum + (gram[k * size + k] as number), 0) / size;
  const matrix = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) {
      const [a, b] = [order[i] as number, order[j] as number];
      matrix[i * size + j] = gram[Math.max(a, b) * size + Math.min(a, b)] as number;
    }
    matrix[i * size + i] = (matrix[i * size + i] as number) + damping * mean || 1;
  }
  return matrix;
}

/** U with Uᵀ · U = A⁻¹, upper triangular: from the Cholesky factor of A with rows and columns turned round. */
function upperFactorOfInverse(matrix: Float64Array): Float64Array {
  const size = Math.sqrt(matrix.length);
  // A turned round is L · Lᵀ; then A = V · Vᵀ with V upper triangular, A⁻¹ = V⁻ᵀ · V⁻¹, and U = V⁻¹.
  const lower = choleskyOfTurned(matrix, size);
  const inverse = invertLower(lower, size); // L⁻¹
  const upper = new Float64Array(size * size);
  for (let i = 0; i < size; i++)
    for (let j = i; j < size; j++) upper[i * size + j] = inverse[(size - 1 - i) * size + (size - 1 - j)] as number;
  return upper;
}

function choleskyOfTurned(matrix: Float64Array, size: number): Float64Array {
  const lower = new Float64Array(size * size);
  const turned = (i: number, j: number) => matrix[(size - 1 - i) * size + (size - 1 - j)] as number;
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = turned(i, j);
      for (let k = 0, a = i * size, b = j * size; k < j; k++, a++, b++)
        sum -= (lower[a] as number) * (lower[b] as number);
      lower[i * size + j] = i === j ? Math.sqrt(Math.max(sum, 1e-12)) : sum / (lower[j * size + j] as number);
    }
  }
  return lower;
}

function invertLower(lower: Float64Array, size: number): Float64Array {
  const inverse = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    const pivot = 1 / (lower[i * size + i] as number);
    const row = i * size;
    for (let k = 0; k < i; k++) {
      const factor = (lower[row + k] as number) * pivot;
      if (factor === 0) continue;
      for (let j = 0, at = k * size; j <= k; j++, at++)
        inverse[row + j] = (inverse[row + j] as number) - factor * (inverse[at] as number);
    }
    inverse[row + i] = pivot;
  }
  return inverse;
}
