// LLM.int8() (Dettmers et al. 2022, https://arxiv.org/abs/2208.07339): in transformers a few channels, the same ones for every token, lie far out.

/** More made no difference on MiniLM, and each costs a little of the speed. */
const most = 8;
/** Narrow values have fewer, or the product in fp32 would be most of the work. */
const channelsForEach = 32;

/**
 * The channels that are multiplied in fp32, in ascending order.
 *
 * @param weights [K] how far out each channel lies, and how often
 */
export function outliersOf(weights: ArrayLike<number>): number[] {
  const count = Math.min(most, Math.floor(weights.length / channelsForEach));
  const byWeight = Array.from(weights, (weight, channel) => ({ weight, channel })).sort((a, b) => b.weight - a.weight);
  return byWeight
    .slice(0, count)
    .map(({ channel }) => channel)
    .sort((a, b) => a - b);
}
