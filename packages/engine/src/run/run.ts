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

type Observe = (name: string, y: tf.Tensor) => void;

/** @param given inputs by value, which stay the caller's */
export function forward(plan: Plan, ops: Ops, given: ReadonlyMap<Value, tf.Tensor>, observe?: Observe): Forward {
  const walk = new LayerWalk(plan, ops, given);
  for (const value of plan.values) walk.compute(value, observe);
  return { y: walk.takeOutput(), backward: (dy) => walk.backward(dy), drop: () => walk.drop() };
}

/** Frees every tensor in these records; none of the model's variables may be in one. */
const free = (...held: (object | undefined)[]): void => tf.dispose(held as tf.TensorContainer);

/** Runs a layer; of what it makes only the result stays. */
const scoped = <T>(compute: () => T): T => tf.tidy(compute as () => tf.TensorContainer) as T;

class LayerWalk {
  readonly #plan: Plan;
  readonly #ops: Ops;
  readonly #given: ReadonlySet<number>;
  /** Values that are there now. */
  readonly #held: Map<number, Tensor>;
  /** What layers have kept beside their values. */
  readonly #kept = new Map<number, object>();
  /** Layers that have yet to read a value on the way forward. */
  readonly #readers: Map<number, number>;

  constructor(plan: Plan, ops: Ops, given: ReadonlyMap<Value, tf.Tensor>) {
    this.#plan = plan;
    this.#ops = ops;
    this.#held = new Map(Array.from(given, ([{ id }, tensor]) => [id, tensor]));
    this.#given = new Set(this.#held.keys());
    this.#readers = new Map(plan.readers);
  }

  compute(value: Value, observe?: Observe): void {
    if (this.#given.has(value.id)) return;
    const inputs = value.inputs.map(({ id }) => this.#held.get(id) as Tensor);
    const made: Kept = scoped(() => value.layer.forward(this.#ops, { options: value.options as never, inputs }));
    this.#held.set(value.id, made.y);
    if (value.stage !== null) observe?.(value.stage, made.y as tf.Tensor);
    if (made.kept && this.#plan.learns(value)) this.#kept.set(value.id, made.kept);
    else free(made.kept);
    value.inputs.forEach((input) => this.#wasRead(input));
  }

  #wasRead(input: Value): void {
    const left = (this.#readers.get(input.id) as number) - 1;
    this.#readers.set(input.id, left);
    if (left === 0 && !this.#plan.isKept(input)) this.#letGo(input);
  }

  #letGo({ id }: Value): void {
    if (this.#given.has(id)) return;
    free(this.#held.get(id));
    this.#held.delete(id);
  }

  /** The result, which is the caller's from now on. */
  takeOutput(): tf.Tensor {
    const { output } = this.#plan;
    const y = this.#held.get(output.id) as tf.Tensor;
    if (this.#given.has(output.id) || this.#plan.isKept(output)) return y.clone();
    this.#held.delete(output.id);
    return y;
  }

  drop(): void {
    for (const value of this.#plan.values) this.#letGo(value);
    free(...this.#kept.values());
  }

  backward(dy: tf.Tensor): tf.Tensor[] {
    const { values, output } = this.#plan;
    const gradients = new Map<number, Tensor>([[output.id, this.#ops.view(dy)]]);
    for (const value of values.toReversed()) {
      if (this.#given.has(value.id)) continue;
      const d = gradients.get(value.id);
      // Whoever reads it has gone before: it makes room for the gradients of what it was computed from.
      if (value.layer.reads !== 'output') this.#letGo(value);
      if (d && this.#plan.learns(value)) this.#differentiate(value, d, gradients);
      free(d, this.#kept.get(value.id));
      gradients.delete(value.id);
      this.#letGo(value);
    }
    return values.flatMap(({ id }) => (gradients.has(id) ? [gradients.get(id) as tf.Tensor] : []));
  }

  /** From the gradient of a value to those of what it was computed from. */
  #differentiate(value: Value, dy: Tensor, gradients: Map<number, Tensor>): void {
    const { layer, options, inputs } = value;
    const given = {
      options: options as never,
      inputs: layer.reads === 'inputs' ? inputs.map((input) => this.#again(input)) : [],
      output: this.#held.get(value.id) as Tensor,
      kept: this.#kept.get(value.id),
      dy,
      wants: (i: number) => this.#plan.learns(inputs[i] as Value),
    };
    const parts = scoped(() => layer.backward(this.#ops, given));
    for (const [i, part] of parts.entries()) {
      const input = inputs[i] as Value;
      if (part === null) continue;
      if (this.#plan.learns(input)) this.#collect(gradients, input, part);
      else free(part);
    }
  }

  /** Adds one more part to the gradient of a value. */
  #collect(gradients: Map<number, Tensor>, { id }: Value, part: Tensor): void {
    const there = gradients.get(id);
    gradients.set(id, there ? this.#ops.add(part, there) : part);
    if (there) free(part, there);
  }

  /** A value that is there, or is computed once more of what is. */
  #again(value: Value): Tensor {
    const there = this.#held.get(value.id);
    if (there) return there;
    const inputs = value.inputs.map((input) => this.#again(input));
    const given = { options: value.options as never, inputs, kept: this.#kept.get(value.id) };
    const y = scoped(() => value.layer.again?.(this.#ops, given) as Tensor);
    this.#held.set(value.id, y);
    return y;
  }
}
