/** How much is hidden at a time, so that explaining costs the same for short and long texts. */
export interface ExplanationPlan {
  /** Cells per side of the heat map. */
  gridSide: number;
  /** Words are left out one by one up to this many; more are left out in that many runs of neighbours. */
  wordGroups: number;
}

/**
 * Cost of one pass in tokens of text: on two cores of 2026 the full fp32 network takes 6.5 ms for a picture and 0.4 ms for every padded
 * token, so a picture is worth 16 tokens.
 */
const pictureCost = 16;
/** 2.4 s of the 3 s that an explanation may take there. */
const budget = 6000;
/** Each half with and without the other. */
export const modalityPasses = 4;
/** At 224 pixels a cell of the finest grid is a pixel of the network's last feature map. */
const gridSides = [7, 6, 5, 4, 3];

/**
 * Shares the passes between picture and words: at least half of them are the words' where there are so many.
 *
 * @param tokens length of the whole text in tokens
 * @param words words that could be left out
 */
export function planExplanation(tokens: number, words: number): ExplanationPlan {
  const passes = Math.floor(budget / (pictureCost + tokens)) - modalityPasses;
  const forPicture = passes - Math.min(words, Math.ceil(passes / 2));
  const gridSide = gridSides.find((side) => side * side <= forPicture) ?? (gridSides.at(-1) as number);
  return { gridSide, wordGroups: Math.max(1, Math.min(words, passes - gridSide ** 2)) };
}
