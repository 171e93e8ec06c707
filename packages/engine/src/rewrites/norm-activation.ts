// Batch norm and activation as one layer, alone, with squeeze-and-excite or with the pooling behind it. Between the convolution before and the one
// after nothing but the convolution's result is kept: what the activation makes of it is computed where it is needed.
import {
  apply,
  type BatchNormOptions,
  batchNormLayer,
  type ChannelGate,
  type Given,
  type GivenBack,
  gateBackward,
  gateForward,
  isActivation,
  isOf,
  type Layer,
  type Ops,
  poolLayer,
  rewrite,
  type Shape,
  type SqueezeExciteOptions,
  squeezeExciteLayer,
  type Tensor,
  type Value,
} from '@crosscheck/network';
import type { tf } from '@crosscheck/tensorflow';
import type { FastOps } from '../fast/ops.ts';
import type { ActivatedNorm, Normalised, Statistics } from '../fast/work.ts';

const notExported = (): never => {
  throw new Error('a fused layer is for computing; export the network as it was composed');
};

const normOf = (ops: unknown) => (ops as FastOps).norm;

interface KeptNorm {
  statistics: Statistics;
}

const normalised = ({ inputs: [x], kept }: { inputs: readonly Tensor[]; kept: object | undefined }): Normalised => ({
  x: x as tf.Tensor,
  statistics: (kept as KeptNorm).statistics,
});

/** What all three begin with: the norm's statistics over the convolution's result. */
function open(ops: unknown, options: ActivatedNorm, { inputs: [x] }: Given<unknown>): Normalised {
  return { x: x as tf.Tensor, statistics: normOf(ops).statistics(options, x as tf.Tensor) };
}

const parametersOf: NonNullable<Layer<ActivatedNorm>['parameters']> = (options, shapes) =>
  batchNormLayer.parameters?.({ ...options, path: '' }, shapes) ?? [];

const normActivation: Layer<ActivatedNorm> = {
  parameters: parametersOf,
  shape: (_, [x]) => x as Shape,
  reads: 'inputs',
  forward(ops, given) {
    const of = open(ops, given.options, given);
    return { y: normOf(ops).activate(given.options, of), kept: { statistics: of.statistics } };
  },
  again: (ops, given) => normOf(ops).activate(given.options, normalised(given)),
  backward: (ops, given) => [normOf(ops).backward(given.options, normalised(given), { dy: given.dy as tf.Tensor })],
  onnx: notExported,
};

const pooledNormActivation: Layer<ActivatedNorm> = {
  parameters: parametersOf,
  shape: (_, [x]) => ['B', (x as Shape).at(-1) as number],
  reads: 'inputs',
  forward(ops, given) {
    const of = open(ops, given.options, given);
    return { y: normOf(ops).mapMeans(given.options, of), kept: { statistics: of.statistics } };
  },
  backward(ops, given) {
    const of = normalised(given);
    return [normOf(ops).backward(given.options, of, { dy: null, each: perPixel(ops, of.x, given.dy) })];
  },
  onnx: notExported,
};

/** The gradient of a mean over maps as that of each of their pixels, [B, C]. */
function perPixel(ops: Ops, { shape }: Tensor, dMeans: Tensor): tf.Tensor {
  const [, H, W] = shape as [number, number, number, number];
  return ops.scale(dMeans, 1 / (H * W)) as tf.Tensor;
}

interface GatedOptions {
  norm: ActivatedNorm;
  squeeze: SqueezeExciteOptions;
}

type KeptGate = KeptNorm & { gate: ChannelGate };

const gatedNormActivation: Layer<GatedOptions> = {
  parameters: ({ norm, squeeze }, shapes) => [
    ...parametersOf(norm, shapes),
    ...(squeezeExciteLayer.parameters?.(squeeze, shapes) ?? []),
  ],
  shape: (_, [x]) => x as Shape,
  reads: 'inputs',
  forward(ops, given) {
    const { norm, squeeze } = given.options;
    const of = open(ops, norm, given);
    const gate = gateForward(ops, squeeze, normOf(ops).mapMeans(norm, of));
    return {
      y: normOf(ops).activate(norm, of, gate.gate as tf.Tensor),
      kept: { statistics: of.statistics, gate },
    };
  },
  again: (ops, given) => normOf(ops).activate(given.options.norm, normalised(given), gateOf(given)),
  backward(ops, given) {
    const { norm, squeeze } = given.options;
    const [of, dy] = [normalised(given), given.dy as tf.Tensor];
    const dGate = normOf(ops).mapProducts(norm, of, dy); // [B, C]
    const dMeans = gateBackward(ops, squeeze, (given.kept as KeptGate).gate, dGate); // [B, C]
    return [normOf(ops).backward(norm, of, { dy, mapWeights: gateOf(given), each: perPixel(ops, of.x, dMeans) })];
  },
  onnx: notExported,
};

const gateOf = ({ kept }: Pick<GivenBack<unknown>, 'kept'>) => (kept as KeptGate).gate.gate as tf.Tensor;

/**
 * Applies where an activation is all that reads a batch norm; then where squeeze-and-excite or the pooling is all that reads that. The same
 * numbers as layer by layer, but for rounding.
 */
export function fuseNormActivations(output: Value): Value {
  return rewrite(output, (value, isReadOnce) => {
    const [x] = value.inputs as [Value];
    if (value.inputs.length !== 1 || !isReadOnce(x)) return null;
    if (isActivation(value) && isOf(x, batchNormLayer))
      return fused(x, value.options.function as ActivatedNorm['function']);
    if (!isOf(x, normActivation)) return null;
    if (isOf(value, squeezeExciteLayer)) {
      return apply(gatedNormActivation, { norm: x.options, squeeze: value.options }, x.inputs, value.stage);
    }
    return isOf(value, poolLayer) ? apply(pooledNormActivation, x.options, x.inputs, value.stage) : null;
  });
}

function fused(
  { options: { name, epsilon }, inputs, ...norm }: Value & { options: BatchNormOptions },
  f: ActivatedNorm['function'],
) {
  return apply(normActivation, { name, epsilon, function: f }, inputs, norm.stage);
}
