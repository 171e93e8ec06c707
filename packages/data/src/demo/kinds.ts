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
