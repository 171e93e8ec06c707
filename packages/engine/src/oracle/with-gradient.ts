import { tf } from '@crosscheck/tensorflow';

/** A function of tensors with a gradient of its own; `saved` are the tensors that the gradient needs. */
export interface Differentiable {
  forward: (inputs: tf.Tensor[]) => { value: tf.Tensor; saved: tf.Tensor[] };
  /** Gradients with respect to the inputs, in their order. */
  backward: (dy: tf.Tensor, saved: tf.Tensor[]) => tf.Tensor[];
}

/** Runs the function so that the tape sees one node: nothing inside it stays alive but `saved`. */
export function withGradient<T extends tf.Tensor>(inputs: tf.Tensor[], { forward, backward }: Differentiable): T {
  return tf.customGrad((...inputsAndSave) => {
    const save = inputsAndSave.pop() as (tensors: tf.Tensor[]) => void;
    const { value, saved } = forward(inputsAndSave as tf.Tensor[]);
    save(saved);
    return { value, gradFunc: (dy, kept) => tf.tidy(() => backward(dy, kept)) };
  })(...inputs) as T;
}

/** The same for a function of one tensor whose gradient needs nothing but that tensor. */
export function elementwise<T extends tf.Tensor>(
  x: T,
  value: (x: tf.Tensor) => tf.Tensor,
  derivative: (x: tf.Tensor) => tf.Tensor,
): T {
  return withGradient([x], {
    forward: () => ({ value: value(x), saved: [x] }),
    backward: (dy, [saved]) => [tf.mul(dy, derivative(saved as tf.Tensor))],
  });
}
