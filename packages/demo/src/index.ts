export { captionVocabulary, writeCaption } from './posts/captions.ts';
export type { DemoPost } from './posts/demo-folder.ts';
export { type DemoOptions, type DemoSummary, generateDemo } from './posts/generate-demo.ts';
export { type Difficulty, difficulties, type SceneKind, sceneKinds } from './posts/kinds.ts';
export { renderScene } from './posts/render-scene.ts';
