// Posts that lack their picture or their words, in networks that were trained for them. A picture that is NaN and an attention mask without
// any token say so; a learned vector then stands in the place of what the branch would have made of it.
// B batch, L tokens, S pixels per side, E embedding.
import { onnxNames } from '@crosscheck/contract';
import { absenceNames } from '@crosscheck/network';
import type { Value } from '../onnx/graph-builder.ts';
import { type NetworkContext, plainWeight } from './weights.ts';

/** A value for each part of a post. */
export interface Parts {
  image: Value;
  text: Value;
}

/** Whether each post lacks its parts: image [B, 1, 1, 1] and text [B, 1], bool. */
export function findAbsent({ graph }: NetworkContext): Parts {
  const corner = graph.node('Slice', 'vision/absent', [
    onnxNames.image,
    graph.ints(0, 0, 0),
    graph.ints(1, 1, 1),
    graph.ints(1, 2, 3),
  ]); // [B, 1, 1, 1]
  const tokens = graph.node('ReduceMax', 'text/absent', [onnxNames.attentionMask, graph.ints(1)], { keepdims: 1 }); // [B, 1]
  return {
    image: graph.node('IsNaN', 'vision/absent', [corner]), // [B, 1, 1, 1]
    text: graph.node('Equal', 'text/absent', [tokens, graph.int(0)]), // [B, 1]
  };
}

/** Zeros for pictures that are not there: one NaN in a batch would spoil the scale that int8 layers choose for all of it. */
export function blankPictures({ graph }: NetworkContext, absent: Value): Value {
  return graph.node('Where', 'vision/absent', [absent, graph.float(0), onnxNames.image]); // [B, 3, S, S]
}

/** Projected features, [B, E] each or a vector for every region and token, with the learned vectors in the places of what is absent. */
export function standIn(context: NetworkContext, projected: Parts, absent: Parts, rank: 2 | 3): Parts {
  const { graph } = context;
  const perPost = rank === 2 ? graph.ints(0, 1) : graph.ints(0, 1, 1);
  const replace = (part: keyof Parts) => {
    const path = `fusion/absent/${part}`;
    const isAbsent = graph.node('Reshape', path, [absent[part], perPost]); // [B, 1] or [B, 1, 1]
    return graph.node('Where', path, [isAbsent, plainWeight(context, absenceNames[part]), projected[part]]);
  };
  return { image: replace('image'), text: replace('text') };
}
