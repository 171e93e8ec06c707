// Both modalities are projected to the same size and judged together (late fusion).
//
// Shapes: B samples, V vision features (1280), T text features (768), E embedding (512), F fusion hidden size (256), R regions, L tokens.
import type { Architecture } from '@crosscheck/contract';
import { tf } from '@crosscheck/tensorflow';
import { join } from './join.ts';
import { dropout } from './layers/dropout.ts';
import { linear } from './layers/linear.ts';
import type { Pass } from './layers/pass.ts';
import type { Presence } from './presence.ts';

export interface FusionNetwork {
  strategy: Architecture['fusion'];
  /** Rate between the two linears of each modality's projection. */
  projectionDropout: number;
  /** Rate after the first fusion layer; after the second it is half of it. */
  dropout: number;
}

/** What the backbones make of a batch: features, or for cross-attention those of every region and every token. */
export interface Encoded {
  vision: tf.Tensor; // [B, V] or [B, R, V]
  text: tf.Tensor; // [B, T] or [B, L, T]
  /** [B, L], with tokens. */
  mask?: tf.Tensor2D;
  presence?: Presence;
}

/** Features of both encoders → logits [B, 1]; sigmoid(logit) is the probability of FAKE. */
export function fuse(pass: Pass, network: FusionNetwork, { vision, text, mask, presence = {} }: Encoded): tf.Tensor2D {
  return tf.tidy(() => {
    const image = projection(pass, 'vision_branch.projection', vision, network.projectionDropout); // [B, E] or [B, R, E]
    const words = projection(pass, 'text_branch.projection', text, network.projectionDropout); // [B, E] or [B, L, E]
    let x = join(pass, network.strategy, { image, words, presence, ...(mask && { mask }) }); // [B, 2E] or [B, E]
    x = dropout(pass, tf.relu(linear(pass, 'fusion.0', x)), network.dropout, 'fusion.2'); // [B, F]
    x = dropout(pass, tf.relu(linear(pass, 'fusion.3', x)), network.dropout / 2, 'fusion.5'); // [B, F/2]
    return linear(pass, 'fusion.6', x); // [B, 1]
  });
}

/** The same for every row: a region and a token are projected as whole pictures and texts are. */
function projection(pass: Pass, name: string, features: tf.Tensor, rate: number): tf.Tensor {
  const [width = 0, ...outer] = features.shape.toReversed();
  const rows = features.rank === 2 ? (features as tf.Tensor2D) : (tf.reshape(features, [-1, width]) as tf.Tensor2D); // [N, V or T]
  const hidden = tf.relu(linear(pass, `${name}.0`, rows)); // [N, E]
  const output = linear(pass, `${name}.3`, dropout(pass, hidden, rate, `${name}.2`)); // [N, E]
  pass.observe(name, output);
  return features.rank === 2 ? output : tf.reshape(output, [...outer.toReversed(), -1]);
}
