/** A function's value at a point; writes its gradient into `gradient`. */
export type Objective = (point: Float64Array, gradient: Float64Array) => number;

const REMEMBERED = 10;
const SUFFICIENT_DECREASE = 1e-4;
const SMALLEST_STEP = 1e-10;

/**
 * Minimises a smooth convex function by L-BFGS (Nocedal and Wright 2006, algorithms 7.4 and 3.1), from zero.
 *
 * @param tolerance largest part of the gradient at which the search ends
 */
export function minimize(objective: Objective, size: number, { tolerance = 1e-6, maxSteps = 200 } = {}): Float64Array {
  let point = new Float64Array(size);
  let gradient = new Float64Array(size);
  let value = objective(point, gradient);
  const changes: { moved: Float64Array; turned: Float64Array; curvature: number }[] = [];
  for (let step = 0; step < maxSteps; step++) {
    if (gradient.every((slope) => Math.abs(slope) <= tolerance)) break;
    const direction = descend(gradient, changes);
    const found = searchLine(objective, { point, value, gradient }, direction);
    if (found === null) break;
    const [moved, turned] = [minus(found.point, point), minus(found.gradient, gradient)];
    const curvature = dot(moved, turned);
    if (curvature > 0) changes.push({ moved, turned, curvature });
    if (changes.length > REMEMBERED) changes.shift();
    ({ point, value, gradient } = found);
  }
  return point;
}

type Place = { point: Float64Array<ArrayBuffer>; value: number; gradient: Float64Array<ArrayBuffer> };

/** Minus the gradient times what is known of the inverse Hessian. */
function descend(
  gradient: Float64Array,
  changes: readonly { moved: Float64Array; turned: Float64Array; curvature: number }[],
): Float64Array {
  const direction = gradient.map((slope) => -slope);
  const weights: number[] = [];
  for (const { moved, turned, curvature } of changes.toReversed()) {
    const weight = dot(moved, direction) / curvature;
    weights.push(weight);
    add(direction, turned, -weight);
  }
  const last = changes.at(-1);
  if (last) {
    const scale = last.curvature / dot(last.turned, last.turned);
    for (let i = 0; i < direction.length; i++) direction[i] = (direction[i] as number) * scale;
  }
  for (const { moved, turned, curvature } of changes) {
    add(direction, moved, (weights.pop() as number) - dot(turned, direction) / curvature);
  }
  return direction;
}

/** Halves the step until the function falls enough. @returns null when it does not */
function searchLine(objective: Objective, from: Place, direction: Float64Array): Place | null {
  const slope = dot(from.gradient, direction);
  for (let step = 1; step > SMALLEST_STEP; step /= 2) {
    const point = Float64Array.from(from.point, (x, i) => x + step * (direction[i] as number));
    const gradient = new Float64Array(point.length);
    const value = objective(point, gradient);
    if (value <= from.value + SUFFICIENT_DECREASE * step * slope) return { point, value, gradient };
  }
  return null;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

function add(to: Float64Array, what: Float64Array, times: number): void {
  for (let i = 0; i < to.length; i++) to[i] = (to[i] as number) + times * (what[i] as number);
}

const minus = (a: Float64Array, b: Float64Array) => Float64Array.from(a, (x, i) => x - (b[i] as number));
