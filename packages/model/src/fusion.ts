// Both modalities are projected to the same size and judged together (late fusion).
//
// Shapes: B samples, V vision features (1280), T text features (768), E embedding (512), F fusion hidden size (256).
import { tf } from '@crosscheck/tensorflow';
import { dropout } from './layers/dropout.ts';
import { linear } from './layers/linear.ts';
import type { Pass } from './layers/pass.ts';

export interface FusionNetwork {
  /** Rate between the two linears of each modality's projection. */
  projectionDropout: number;
  /** Rate after the first fusion layer; after the second it is half of it. */
  dropout: number;
}

/** Features of both encoders, vision [B, V] and text [B, T] → logits [B, 1]; sigmoid(logit) is the probability of FAKE. */
export function fuse(pass: Pass, network: FusionNetwork, vision: tf.Tensor2D, text: tf.Tensor2D): tf.Tensor2D {
  return tf.tidy(() => {
    const image = projection(pass, 'vision_branch.projection', vision, network.projectionDropout); // [B, E]
    const words = projection(pass, 'text_branch.projection', text, network.projectionDropout); // [B, E]
    let x = tf.concat([image, words], 1); // [B, 2E]
    x = dropout(pass, tf.relu(linear(pass, 'fusion.0', x)), network.dropout, 'fusion.2'); // [B, F]
    x = dropout(pass, tf.relu(linear(pass, 'fusion.3', x)), network.dropout / 2, 'fusion.5'); // [B, F/2]
    return linear(pass, 'fusion.6', x); // [B, 1]
  });
}

function projection(pass: Pass, name: string, features: tf.Tensor2D, rate: number): tf.Tensor2D {
  const hidden = tf.relu(linear(pass, `${name}.0`, features)); // [B, E]
  const output = linear(pass, `${name}.3`, dropout(pass, hidden, rate, `${name}.2`)); // [B, E]
  pass.observe(name, output);
  return output;
}
