export { type Augmentation, augment, defaultAugmentation } from './augment/augment.ts';
export * from './curation.ts';
export { captionVocabulary, writeCaption } from './demo/captions.ts';
export type { DemoPost } from './demo/demo-folder.ts';
export { type DemoOptions, type DemoSummary, generateDemo } from './demo/generate-demo.ts';
export { type Difficulty, difficulties, type SceneKind, sceneKinds } from './demo/kinds.ts';
export { renderScene } from './demo/render-scene.ts';
export {
  createLoader,
  type LoadedBatch,
  type Loader,
  type LoaderOptions,
  noReadablePicture,
  type Takes,
} from './loader/loader.ts';
export { countSamples, epochOrder, type OrderOptions } from './loader/order.ts';
export { type Manifest, type ManifestOptions, readManifest, readManifestColumns } from './manifest/read-manifest.ts';
export type { Sample } from './manifest/rows.ts';
export { type ManifestRow, writeManifestFile } from './manifest/write-manifest.ts';
export { describeProblems, type OnBadSample, type SampleProblem } from './problems.ts';
