/** True when a row-major array of this shape has exactly these strides; axes of size 1 may have any. */
export function isContiguous(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return false;
    expected *= shape[axis] as number;
  }
  return true;
}

/** Copies a strided view, whose first element is `source[0]`, into a row-major array. */
export function gatherStrided(
  source: Float32Array,
  shape: readonly number[],
  strides: readonly number[],
): Float32Array {
  const target = new Float32Array(shape.reduce((product, size) => product * size, 1));
  const index = shape.map(() => 0);
  let from = 0;
  for (let to = 0; to < target.length; to++) {
    target[to] = source[from] as number;
    from += step(index, shape, strides);
  }
  return target;
}

/** Counts the index up by one, last axis first, and returns how far that moves in the source. */
function step(index: number[], shape: readonly number[], strides: readonly number[]): number {
  let moved = 0;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const [at, size, stride] = [index[axis] as number, shape[axis] as number, strides[axis] as number];
    if (at + 1 < size) {
      index[axis] = at + 1;
      return moved + stride;
    }
    index[axis] = 0;
    moved -= at * stride;
  }
  return moved;
}
