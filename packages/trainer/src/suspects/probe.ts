import { sigmoid } from '@crosscheck/contract';
import type { Matrix } from './components.ts';
import { minimize, type Objective } from './lbfgs.ts';

/** What a probe sees of N posts: components of the image, [N, V], and of the text, [N, T]. */
export interface ProbeInput {
  image: Matrix;
  text: Matrix;
  /** [N] */
  labels: ArrayLike<number>;
}

/** Logits of some rows. */
export type Probe = (rows: readonly number[]) => Float64Array;

/**
 * A logistic regression on the components of image and text and on their products, one of each: only products can tell whether the two match.
 *
 * @param penalty weight of the squared coefficients beside the mean loss
 */
export function fitProbe(input: ProbeInput, rows: readonly number[], penalty: number): Probe {
  const { image, text } = input;
  const sizes = { v: image.width, t: text.width };
  const weights = minimize(objectiveOf(input, rows, penalty), 1 + sizes.v + sizes.t + sizes.v * sizes.t);
  return (asked) => Float64Array.from(asked, (row) => logitOf(input, row, weights));
}

/** Products of V and T components have as much to say together as the components alone. */
const scaleOf = ({ image, text }: ProbeInput) => 1 / Math.sqrt(Math.max(1, Math.min(image.width, text.width)));

// Weights: the constant, V of the image, T of the text, V × T of the products.
function logitOf({ image, text, ...rest }: ProbeInput, row: number, weights: Float64Array): number {
  const [v, t] = [image.width, text.width];
  const scale = scaleOf({ image, text, ...rest });
  let logit = weights[0] as number;
  for (let j = 0; j < t; j++) logit += (weights[1 + v + j] as number) * (text.values[row * t + j] as number);
  for (let i = 0; i < v; i++) {
    const first = 1 + v + t + i * t;
    let matched = 0;
    for (let j = 0; j < t; j++) matched += (weights[first + j] as number) * (text.values[row * t + j] as number);
    logit += (image.values[row * v + i] as number) * ((weights[1 + i] as number) + scale * matched);
  }
  return logit;
}

function objectiveOf(input: ProbeInput, rows: readonly number[], penalty: number): Objective {
  const { image, text, labels } = input;
  const [v, t, scale] = [image.width, text.width, scaleOf(input)];
  return (weights, gradient) => {
    gradient.fill(0);
    let loss = 0;
    for (const row of rows) {
      const logit = logitOf(input, row, weights);
      const label = labels[row] as number;
      loss += (Math.max(logit, 0) - logit * label + Math.log1p(Math.exp(-Math.abs(logit)))) / rows.length;
      const slope = (sigmoid(logit) - label) / rows.length;
      gradient[0] = (gradient[0] as number) + slope;
      for (let j = 0; j < t; j++) addTo(gradient, 1 + v + j, slope * (text.values[row * t + j] as number));
      for (let i = 0; i < v; i++) {
        const seen = slope * (image.values[row * v + i] as number);
        addTo(gradient, 1 + i, seen);
        const first = 1 + v + t + i * t;
        for (let j = 0; j < t; j++) addTo(gradient, first + j, seen * scale * (text.values[row * t + j] as number));
      }
    }
    for (let i = 1; i < weights.length; i++) {
      loss += penalty * (weights[i] as number) ** 2;
      addTo(gradient, i, 2 * penalty * (weights[i] as number));
    }
    return loss;
  };
}

function addTo(values: Float64Array, i: number, what: number): void {
  values[i] = (values[i] as number) + what;
}
