// What programs over files of posts need; apart from index.ts, so that the service does not load it.
export { resolveArtifact } from './artifact/resolve-artifact.ts';
export { type ClassifyFileOptions, classifyFile } from './batch-file/classify-file.ts';
export { describeFailures, requireEnough } from './batch-file/summary.ts';
export type { BatchSummary, Failure } from './batch-file/tally.ts';
export { classifierOptions } from './infer.ts';
