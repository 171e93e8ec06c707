/** Decoded pictures, before augmentation, in memory that worker threads share. */
export interface PixelCache {
  /** [slots, S, S, 3] uint8, or null when the budget holds no picture. */
  buffer: SharedArrayBuffer | null;
  /** The sample's slot, -1 when it has none. The first samples asked for get one and keep it: under shuffling no other rule hits more. */
  slotOf(index: number): number;
  isFilled(slot: number): boolean;
  markFilled(slot: number): void;
}

/** A cache of at most `budgetBytes`; the operating system commits its pages only as they are filled. */
export function createPixelCache(budgetBytes: number, imageBytes: number, samples: number): PixelCache {
  const slots = Math.min(samples, Math.floor(budgetBytes / imageBytes));
  const slotBySample = new Map<number, number>();
  const filled = new Uint8Array(slots);
  return {
    buffer: slots > 0 ? new SharedArrayBuffer(slots * imageBytes) : null,
    slotOf(index) {
      const known = slotBySample.get(index);
      if (known !== undefined) return known;
      if (slotBySample.size >= slots) return -1;
      slotBySample.set(index, slotBySample.size);
      return slotBySample.size - 1;
    },
    isFilled: (slot) => filled[slot] === 1,
    markFilled(slot) {
      if (slot >= 0) filled[slot] = 1;
    },
  };
}
