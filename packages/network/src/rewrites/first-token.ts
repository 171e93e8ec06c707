import { apply, rewrite, type Value, valuesOf } from '../graph/value.ts';
import { isActivation } from '../layers/activation.ts';
import { isSum } from '../layers/arithmetic.ts';
import { droppedInFirst } from '../layers/dropout.ts';
import { isLayerNorm } from '../layers/layer-norm.ts';
import { isLinear } from '../layers/linear.ts';
import { askedByFirst } from '../layers/self-attention.ts';
import { firstToken, isFirstToken } from '../layers/tokens.ts';

/**
 * Of a text's last layer only [CLS] is read, so only its row is computed. Applies where the first token is picked: whatever looks at one row
 * at a time gives the same when the row is picked before, up to the attention, in which one row can ask alone. Exact.
 */
export function onlyFirstToken(output: Value): Value {
  return rewrite(output, (value) =>
    isFirstToken(value) ? pickBefore(value.inputs[0] as Value, value.options.path) : null,
  );
}

function pickBefore(x: Value, path: string): Value {
  const whole = new Set(attentionsAbove(x).flatMap(({ inputs }) => valuesOf(...inputs).map(({ id }) => id)));
  const picked = new Map<number, Value>();
  const pick = (value: Value): Value => {
    const known = picked.get(value.id);
    if (known) return known;
    const result = whole.has(value.id) ? firstToken(value, path) : pickFrom(value);
    picked.set(value.id, result);
    return result;
  };
  const pickFrom = (value: Value): Value => {
    const asked = askedByFirst(value);
    if (asked) return asked;
    const inputs = value.inputs.map(pick);
    const dropped = droppedInFirst(value, inputs[0] as Value);
    return dropped ?? apply(value.layer as never, value.options, inputs, value.stage);
  };
  return pick(x);
}

const looksAtOneRow = (value: Value) =>
  isSum(value) || isLinear(value) || isLayerNorm(value) || isActivation(value) || droppedInFirst(value, value) !== null;

/** The nearest attentions, with nothing in between but what looks at one row at a time; values that are neither stay whole. */
function attentionsAbove(x: Value): Pick<Value, 'inputs'>[] {
  if (askedByFirst(x)) return [x];
  return looksAtOneRow(x) ? x.inputs.flatMap(attentionsAbove) : [{ inputs: [x] }];
}
