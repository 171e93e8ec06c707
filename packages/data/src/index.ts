export { type Augmentation, augment, defaultAugmentation } from './augment/augment.ts';
export { captionVocabulary, writeCaption } from './demo/captions.ts';
export { type DemoOptions, type DemoPost, type DemoSummary, generateDemo } from './demo/generate-demo.ts';
export { type SceneKind, sceneKinds } from './demo/kinds.ts';
export { renderScene } from './demo/render-scene.ts';
export { createLoader, type LoadedBatch, type Loader, type LoaderOptions } from './loader/loader.ts';
export { type Manifest, type ManifestOptions, readManifest } from './manifest/read-manifest.ts';
export type { Sample } from './manifest/rows.ts';
export { describeProblems, type OnBadSample, type SampleProblem } from './problems.ts';
