// A network forwards and backwards, layer by layer. Tensors are freed as soon as nobody needs them: a tape would keep them all.
import type { Kept, Ops, Tensor, Value } from '@crosscheck/network';
import { tf } from '@crosscheck/tensorflow';
import type { Plan } from './plan.ts';

/** A forward pass, and what its backward pass needs. */
export interface Forward {
  y: tf.Tensor;
  /** Takes the gradient of y. @returns those of the inputs that were asked for, in the order of `plan.values` */
  backward(dy: tf.Tensor): tf.Tensor[];
  /** Frees what is kept, where there is no backward pass. */
  drop(): void;
}

/** Frees every tensor in these records; none of the model's variables may be in one. */
const free = (...held: (object | undefined)[]): void => tf.dispose(held as tf.TensorContainer);

/** Runs a layer; of what it makes only the result stays. */
const scoped = <T>(compute: () => T): T => tf.tidy(compute as () => tf.TensorContainer) as T;

/** @param given inputs by value, which stay the caller's */
export function forward(
  plan: Plan,
  ops: Ops,
  given: ReadonlyMap<Value, tf.Tensor>,
  observe?: (name: string, y: tf.Tensor) => void,
): Forward {
  const held = new Map<number, Tensor>(Array.from(given, ([{ id }, tensor]) => [id, tensor]));
  const kept = new Map<number, object>();
  const isGiven = new Set(Array.from(given.keys(), ({ id }) => id));
  const left = new Map(plan.readers);
  const read = ({ id }: Value) => held.get(id) as Tensor;
  const letGo = (value: Value) => {
    if (isGiven.has(value.id)) return;
    free(held.get(value.id));
    held.delete(value.id);
  };

  for (const value of plan.values) {
    if (isGiven.has(value.id)) continue;
    const inputs = value.inputs.map(read);
    const made: Kept = scoped(() => value.layer.forward(ops, { options: value.options as never, inputs }));
    held.set(value.id, made.y);
    if (value.stage !== null) observe?.(value.stage, made.y as tf.Tensor);
    if (made.kept && plan.learns(value)) kept.set(value.id, made.kept);
    else free(made.kept);
    for (const input of value.inputs) {
      const count = (left.get(input.id) as number) - 1;
      left.set(input.id, count);
      if (count === 0 && !plan.isKept(input)) letGo(input);
    }
  }
  const y = isGiven.has(plan.output.id) ? (read(plan.output) as tf.Tensor).clone() : (read(plan.output) as tf.Tensor);
  if (plan.isKept(plan.output)) held.set(plan.output.id, y.clone());
  else held.delete(plan.output.id);

  const again = (value: Value): Tensor => {
    const there = held.get(value.id);
    if (there) return there;
    const inputs = value.inputs.map(again);
    const options = value.options as never;
    const y = scoped(() => value.layer.again?.(ops, { options, inputs, kept: kept.get(value.id) }) as Tensor);
    held.set(value.id, y);
    return y;
  };

  return {
    y,
    drop: () => {
      for (const value of plan.values) letGo(value);
      free(...kept.values());
    },
    backward(dy) {
      const gradients = new Map<number, Tensor>([[plan.output.id, ops.view(dy)]]);
      for (const value of plan.values.toReversed()) {
        const d = gradients.get(value.id);
        if (isGiven.has(value.id)) continue;
        if (d && plan.learns(value)) {
          const { layer, inputs } = value;
          const parts = scoped(() =>
            layer.backward(ops, {
              options: value.options as never,
              inputs: layer.reads === 'inputs' ? inputs.map(again) : [],
              output: held.get(value.id) as Tensor,
              kept: kept.get(value.id),
              dy: d,
              wants: (i) => plan.learns(inputs[i] as Value),
            }),
          );
          inputs.forEach((input, i) =>
            collect(ops, gradients, { input, part: parts[i] ?? null, isAsked: plan.learns(input) }),
          );
        }
        free(d, kept.get(value.id));
        gradients.delete(value.id);
        letGo(value);
      }
      return plan.values.flatMap(({ id }) => (gradients.has(id) ? [gradients.get(id) as tf.Tensor] : []));
    },
  };
}

/** Adds one more part to the gradient of a value. */
function collect(
  ops: Ops,
  gradients: Map<number, Tensor>,
  { input: { id }, part, isAsked }: { input: Value; part: Tensor | null; isAsked: boolean },
): void {
  if (part === null) return;
  const there = gradients.get(id);
  if (!isAsked) free(part);
  else if (!there) gradients.set(id, part);
  else {
    gradients.set(id, ops.add(part, there));
    free(part, there);
  }
}
