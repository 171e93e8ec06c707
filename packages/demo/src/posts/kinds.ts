/** What the pictures of the demo posts show; a post is FAKE when its words tell of another kind than its picture. */
export const sceneKinds = [
  'wildfire',
  'flood',
  'snowstorm',
  'night_city',
  'desert',
  'harbour',
  'forest',
  'stadium',
] as const;

export type SceneKind = (typeof sceneKinds)[number];

/**
 * How hard it is to tell that words and picture disagree. In `easy` posts each tells of one scene. In `medium` posts the words name two scenes, one of
 * them past, and the picture shows either. In `hard` posts words and picture have two scenes each, of which one may differ.
 */
export const difficulties = ['easy', 'medium', 'hard'] as const;

export type Difficulty = (typeof difficulties)[number];
