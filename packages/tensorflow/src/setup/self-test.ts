// Run by setup in a fresh process: argv[2] is the folder of the runtime to try.
import type { Tensor4D } from '@tensorflow/tfjs-node-gpu';
import { prepareTfjsNode } from '../tfjs-node.ts';
import { layoutAt } from './platform.ts';

prepareTfjsNode(layoutAt(process.argv[2] ?? '').addon);
const tf = await import('@tensorflow/tfjs-node-gpu');

// Sum of a 2×2 box filter over a 3×3 picture of ones; the gradient says how many windows saw each pixel.
const image: Tensor4D = tf.ones([1, 3, 3, 1]);
const filter: Tensor4D = tf.ones([2, 2, 1, 1]);
const { value, grad } = tf.valueAndGrad((x: Tensor4D) => tf.conv2d(x, filter, 1, 'valid').sum())(image);
const total = value.dataSync()[0];
const seen = Array.from(grad.dataSync()).join(' ');
if (total !== 16 || seen !== '1 2 1 2 4 2 1 2 1') throw new Error(`convolution gave ${total} and gradient ${seen}`);
const backend = tf.backend() as unknown as { isUsingGpuDevice: boolean };
process.stdout.write(`${backend.isUsingGpuDevice ? 'GPU' : 'CPU'}\n`);
