// How a network starts when nothing is loaded. Rules as in the implementations that the design names:
//   heads         torch.nn.Linear: weight and bias uniform in ±1/√fan_in; norms 1 and 0, learned vectors as embeddings
//   EfficientNet  torchvision: convolutions normal with variance 2 / fan_out, biases 0, norms 1 and 0
//   DistilBERT    Hugging Face: linears and embeddings normal with deviation 0.02, biases 0, norms 1 and 0, padding row 0
import { combineSeeds } from '@crosscheck/contract';
import { absenceNames, type NamedTensor, textPrefix, visionPrefix } from '@crosscheck/network';
import { attribute, executeKernel, tf } from '@crosscheck/tensorflow';
import { uniformNoise } from './layers/pass.ts';
import { heldShape } from './parameters.ts';

type Rule = (tensor: NamedTensor, seed: number) => tf.Tensor;

const zeros: Rule = (tensor) => tf.zeros(heldShape(tensor));
const ones: Rule = (tensor) => tf.ones(heldShape(tensor));

function normal(tensor: NamedTensor, seed: number, deviation: number): tf.Tensor {
  const key = tf.tensor1d([combineSeeds(seed, tensor.name) | 0, combineSeeds(tensor.name, seed) | 0], 'int32');
  const shape = tf.tensor1d(heldShape(tensor), 'int32');
  return tf.mul(executeKernel('StatelessRandomNormal', [attribute.type('dtype', 1)], [shape, key]), deviation);
}

/** [out, in / groups, h, w]: fan_out counts the outputs that one input reaches, as PyTorch counts it (groups apart). */
const convolutionRule: Rule = (tensor, seed) => {
  const [out = 1, , h = 1, w = 1] = tensor.shape;
  return normal(tensor, seed, Math.sqrt(2 / (out * h * w)));
};

const embeddingRule: Rule = (tensor, seed) => normal(tensor, seed, 0.02);

/** Row 0 is the padding token's. */
const paddedEmbeddingRule: Rule = (tensor, seed) => {
  const [rows = 1, columns = 1] = tensor.shape;
  const filled = normal(tensor, seed, 0.02) as tf.Tensor2D;
  return tf.concat([tf.zeros([1, columns]), tf.slice(filled, [1, 0], [rows - 1, columns])], 0); // [V, H]
};

/** Uniform in ±1/√fan_in, for a weight [out, in] and for the bias that goes with it. */
function uniformRule(fanIn: number): Rule {
  const bound = 1 / Math.sqrt(fanIn);
  return (tensor, seed) => tf.mul(tf.sub(tf.mul(uniformNoise(heldShape(tensor), seed, tensor.name), 2), 1), bound);
}

const isAbsence = (name: string) => Object.values<string>(absenceNames).includes(name);

function headRule(tensor: NamedTensor, tensors: ReadonlyMap<string, NamedTensor>): Rule {
  if (isAbsence(tensor.name)) return embeddingRule;
  if (/\.norm\.(weight|bias)$/.test(tensor.name)) return tensor.name.endsWith('bias') ? zeros : ones;
  const weight = tensors.get(tensor.name.replace(/bias$/, 'weight')) ?? tensor;
  return uniformRule(weight.shape[1] ?? 1);
}

function backboneRule({ name, shape }: NamedTensor): Rule {
  if (/running_mean$|bias$/.test(name)) return zeros;
  if (name.startsWith(visionPrefix)) return shape.length === 4 ? convolutionRule : ones;
  if (name.endsWith('word_embeddings.weight')) return paddedEmbeddingRule;
  return shape.length === 2 ? embeddingRule : ones;
}

/**
 * The first value of every tensor, a function of (seed, name) alone: the same whatever else the model holds.
 *
 * @param tensors all float tensors of a model, in checkpoint order
 */
export function initialValue(tensor: NamedTensor, seed: number, tensors: ReadonlyMap<string, NamedTensor>): tf.Tensor {
  const isBackbone = tensor.name.startsWith(visionPrefix) || tensor.name.startsWith(textPrefix);
  const rule = isBackbone ? backboneRule(tensor) : headRule(tensor, tensors);
  return tf.tidy(() => rule(tensor, seed));
}
