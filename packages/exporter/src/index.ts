export type { ArtifactContent } from './artifact/artifact-content.ts';
export { writeArtifactFiles, writeManifest } from './artifact/write-artifact.ts';
export { type ExportOptions, type ExportReport, exportArtifact } from './export-artifact.ts';
export { buildClassifierGraph } from './network/classifier.ts';
export { randomWeights } from './network/random-weights.ts';
export type { WeightSource } from './network/weights.ts';
export { supportedOpsets } from './onnx/encode.ts';
export { writeOnnxModel } from './onnx/write-model.ts';
export { maxLogitDifference, type ParityReport } from './parity/check-parity.ts';
