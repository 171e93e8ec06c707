import {
  apply,
  type BatchNormOptions,
  batchNormLayer,
  type ConvolutionOptions,
  convolutionAttributes,
  convolutionLayer,
  isOf,
  type Layer,
  type OnnxContext,
  type OnnxValue,
  rewrite,
  type Shape,
  type Value,
  type WeightSource,
} from '@crosscheck/network';

interface Folded {
  convolution: ConvolutionOptions;
  norm: BatchNormOptions;
}

const notComputed = (): never => {
  throw new Error('a folded convolution is for ONNX; compute the network as it was composed');
};

const layer: Layer<Folded> = {
  shape: ({ convolution }, shapes) => convolutionLayer.shape(convolution, shapes),
  forward: notComputed,
  backward: notComputed,
  onnx(context, { options: { convolution, norm }, inputs: [x], shapes: [shape] }) {
    const weights = foldedWeights(context, convolution.name, norm);
    const attributes = convolutionAttributes(convolution, shape as Shape);
    return context.graph.node('Conv', convolution.path, [x as OnnxValue, ...weights], attributes);
  },
};

/**
 * Batch norm in evaluation is y = x · gain + shift per channel, which the convolution before it can carry: exact up to rounding. Applies where a
 * batch norm is all that reads a convolution.
 */
export function foldNorms(output: Value): Value {
  return rewrite(output, (value, isReadOnce) => {
    const [x] = value.inputs;
    if (!x || !isOf(value, batchNormLayer) || !isOf(x, convolutionLayer) || !isReadOnce(x)) return null;
    return apply(layer, { convolution: x.options, norm: value.options }, x.inputs, value.stage);
  });
}

function foldedWeights({ graph, weights }: OnnxContext, convolution: string, norm: BatchNormOptions): OnnxValue[] {
  const name = `${convolution}.weight`;
  const shape = weights.shape(name); // [out, in/groups, k, k]
  const weight = async () => {
    const values = await weights.read(name);
    const { gain } = await affineOf(weights, norm);
    const perChannel = values.length / gain.length;
    return values.map((value, i) => value * (gain[Math.floor(i / perChannel)] as number));
  };
  const bias = async () => Float32Array.from((await affineOf(weights, norm)).shift);
  return [
    graph.weight(`${name}.folded`, shape, weight),
    graph.weight(`${convolution}.bias.folded`, [shape[0] as number], bias),
  ];
}

/** In double precision, so that the only rounding is that of the stored result. */
async function affineOf(weights: WeightSource, { name, epsilon }: BatchNormOptions) {
  const [gamma, beta, mean, variance] = (await Promise.all(
    ['weight', 'bias', 'running_mean', 'running_var'].map((part) => weights.read(`${name}.${part}`)),
  )) as [Float32Array, Float32Array, Float32Array, Float32Array];
  const gain = Float64Array.from(gamma, (g, c) => g / Math.sqrt((variance[c] as number) + epsilon));
  const shift = Float64Array.from(beta, (b, c) => b - (mean[c] as number) * (gain[c] as number));
  return { gain, shift };
}
