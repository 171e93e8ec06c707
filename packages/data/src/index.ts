export { type Augmentation, augment, defaultAugmentation } from './augment/augment.ts';
export {
  createLoader,
  type LoadedBatch,
  type Loader,
  type LoaderOptions,
  noReadablePicture,
  type Takes,
} from './loader/loader.ts';
export { countSamples, epochOrder, type OrderOptions } from './loader/order.ts';
export { noteImageRoots } from './manifest/image-roots.ts';
export {
  countUnknownWords,
  type Manifest,
  type ManifestOptions,
  readManifest,
  readManifestColumns,
} from './manifest/read-manifest.ts';
export type { Sample } from './manifest/rows.ts';
export { type ManifestRow, relativeImage, writeManifestFile } from './manifest/write-manifest.ts';
export { describeProblems, type OnBadSample, problemsError, type SampleProblem } from './problems.ts';
