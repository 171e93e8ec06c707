// The heads, as ../fusion.ts describes them.
//
// Shapes: B samples, V vision features (1280), T text features (768), E embedding (512), F fusion hidden size (256).
import type { tf } from '@crosscheck/tensorflow';
import type { FusionNetwork } from '../fusion.ts';
import type { Presence } from '../presence.ts';
import { drawMask, drop, type Mask } from './dropout.ts';
import { type Joined, joinBackward, joinParts } from './join.ts';
import { consume, release, relu, reluGradient } from './kernels.ts';
import { linear, linearBackward } from './linear.ts';
import type { Forward, Work } from './work.ts';

/** Linear, ReLU and dropout in a row. */
interface HiddenLayer {
  name: string;
  /** The dropout's name. */
  site: string;
  rate: number;
}

interface KeptHidden {
  /** Between ReLU and dropout. */
  active: tf.Tensor;
  mask: Mask;
}

/** x [B, in] → [B, out] */
function hidden(work: Work, { name, site, rate }: HiddenLayer, x: tf.Tensor): Forward<KeptHidden> {
  const active = consume(linear(work, name, x), relu); // [B, out]
  const mask = drawMask(work, { shape: active.shape, rate, site }); // [B, out]
  return { y: drop(active.clone(), mask), kept: { active, mask } };
}

/** The gradient of the linear's output, from that of the layer's. */
function hiddenBackward({ active, mask }: KeptHidden, dy: tf.Tensor): tf.Tensor {
  const dActive = drop(dy.clone(), mask);
  const d = consume(dActive, () => reluGradient(dActive, active));
  release(active, mask);
  return d;
}

export interface KeptFusion {
  projections: KeptProjection[];
  joined: Joined; // y [B, 2E] or [B, E]
  first: Forward<KeptHidden>;
  second: Forward<KeptHidden>;
}

const layersOf = ({ dropout }: FusionNetwork) => ({
  first: { name: 'fusion.0', site: 'fusion.2', rate: dropout },
  second: { name: 'fusion.3', site: 'fusion.5', rate: dropout / 2 },
});

/** Vision [B, V] and text [B, T] → logits [B, 1] */
export function fuse(
  work: Work,
  network: FusionNetwork,
  { vision, text, presence }: FusionInput & { presence: Presence },
): Forward<KeptFusion> {
  const layers = layersOf(network);
  const image = projection(work, network, 'vision_branch.projection', vision); // y [B, E]
  const words = projection(work, network, 'text_branch.projection', text); // y [B, E]
  const joined = joinParts(work, network, { image: image.y, words: words.y, presence }); // y [B, 2E] or [B, E]
  const first = hidden(work, layers.first, joined.y); // y [B, F]
  const second = hidden(work, layers.second, first.y); // y [B, F/2]
  const kept = { projections: [image.kept, words.kept], joined, first, second };
  return { y: linear(work, 'fusion.6', second.y), kept };
}

/** Which of the two features need a gradient, and what they are. */
export interface FusionInput {
  vision: tf.Tensor;
  text: tf.Tensor;
}

/** dy [B, 1] → the gradients of both features */
export function fuseBackward(
  work: Work,
  { vision, text }: FusionInput,
  { projections, joined, first, second }: KeptFusion,
  dy: tf.Tensor,
): FusionInput {
  const dSecond = linearBackward(work, 'fusion.6', second.y, dy); // [B, F/2]
  const beforeSecond = consume(dSecond, (d) => hiddenBackward(second.kept, d)); // [B, F/2]
  const dFirst = consume(beforeSecond, (d) => linearBackward(work, 'fusion.3', first.y, d)); // [B, F]
  const beforeFirst = consume(dFirst, (d) => hiddenBackward(first.kept, d)); // [B, F]
  const dJoined = consume(beforeFirst, (d) => linearBackward(work, 'fusion.0', joined.y, d)); // [B, 2E] or [B, E]
  const { image: dImage, words: dWords } = joinBackward(work, joined, dJoined); // [B, E] each
  const [image, words] = projections as [KeptProjection, KeptProjection];
  const gradients = {
    vision: projectionBackward(work, image, vision, dImage), // [B, V]
    text: projectionBackward(work, words, text, dWords), // [B, T]
  };
  release(first.y, second.y, dJoined, dImage, dWords);
  return gradients;
}

interface KeptProjection extends Forward<KeptHidden> {
  name: string;
}

/** features [B, V or T] → [B, E] */
function projection(
  work: Work,
  { projectionDropout: rate }: FusionNetwork,
  name: string,
  features: tf.Tensor,
): Forward<KeptProjection> {
  const first = hidden(work, { name: `${name}.0`, site: `${name}.2`, rate }, features); // y [B, E]
  return { y: linear(work, `${name}.3`, first.y), kept: { ...first, name } };
}

function projectionBackward(work: Work, { name, y, kept }: KeptProjection, features: tf.Tensor, dy: tf.Tensor) {
  const dHidden = consume(linearBackward(work, `${name}.3`, y, dy), (d) => hiddenBackward(kept, d)); // [B, E]
  y.dispose();
  return consume(dHidden, (d) => linearBackward(work, `${name}.0`, features, d)); // [B, V or T]
}
