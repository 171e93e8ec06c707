// Both modalities are projected to the same size and judged together (late fusion).
//
// Shapes: B samples, V vision features (1280), T text features (768), E embedding (512), F fusion hidden size (256).
import { tf } from '@crosscheck/tensorflow';
import { dropout } from './layers/dropout.ts';
import { linear } from './layers/linear.ts';
import type { Pass } from './layers/pass.ts';
import { lacksAny, type Presence } from './presence.ts';
import { absenceNames } from './weights/parameter-names.ts';

export interface FusionNetwork {
  /** Rate between the two linears of each modality's projection. */
  projectionDropout: number;
  /** Rate after the first fusion layer; after the second it is half of it. */
  dropout: number;
}

/** What the backbones make of a batch. */
export interface Encoded {
  vision: tf.Tensor2D; // [B, V]
  text: tf.Tensor2D; // [B, T]
  presence?: Presence;
}

/** Features of both encoders → logits [B, 1]; sigmoid(logit) is the probability of FAKE. */
export function fuse(pass: Pass, network: FusionNetwork, { vision, text, presence = {} }: Encoded): tf.Tensor2D {
  return tf.tidy(() => {
    const image = projection(pass, 'vision_branch.projection', vision, network.projectionDropout); // [B, E]
    const words = projection(pass, 'text_branch.projection', text, network.projectionDropout); // [B, E]
    let x = join(pass, { image, words, presence }); // [B, 2E]
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

/** Both parts of every post, projected. */
export interface Projected {
  image: tf.Tensor2D; // [B, E]
  words: tf.Tensor2D; // [B, E]
  presence: Presence;
}

/** Puts the learned vectors in the place of what posts lack, and both parts side by side: [B, 2E]. */
export function join(pass: Pass, { image, words, presence }: Projected): tf.Tensor2D {
  return tf.concat(
    [
      standIn(pass, image, absenceNames.image, presence.hasImage), // [B, E]
      standIn(pass, words, absenceNames.text, presence.hasText), // [B, E]
    ],
    1,
  );
}

/** Rows that are there stay bit for bit as they are. */
function standIn(pass: Pass, projected: tf.Tensor2D, absence: string, has: Float32Array | undefined): tf.Tensor2D {
  if (!lacksAny(has)) return projected;
  const present = tf.tensor2d(has, [has.length, 1]); // [B, 1]
  return tf.add(tf.mul(projected, present), tf.mul(pass.weight(absence), tf.sub(1, present))); // [B, E]
}
