export { collectLessOften, imageTypeNames } from '@crosscheck/preprocess';
export { type MaybePrediction, requireBand, withBand } from './abstaining.ts';
export { type ArtifactFolder, readArtifact, verifyHashes } from './artifact/read-artifact.ts';
export {
  type Classifier,
  type ClassifierOptions,
  type ClassifierStats,
  type ClassifyOptions,
  openClassifier,
  type Post,
} from './classifier.ts';
export type { Explanation, HeatMap, ModalityEffect, WordWeight } from './explain/explanation.ts';
export { type ExplanationJson, explanationToJson } from './explain/to-json.ts';
export { type Modality, type Prediction, partsOf } from './parts.ts';
export { availableCores } from './runtime/available-cores.ts';
export { graphCacheFolder } from './runtime/graph-cache.ts';
export {
  type ModelInputs,
  type OnnxSession,
  openOnnxSession,
  openTensorSession,
  type TensorSession,
} from './runtime/onnx-session.ts';
export { selfCheck } from './self-check.ts';
export type { HistogramSnapshot } from './statistics.ts';
