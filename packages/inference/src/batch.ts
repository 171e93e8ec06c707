// What programs over files of posts need; apart from index.ts, so that the service does not load it.
export { resolveArtifact } from './artifact/resolve-artifact.ts';
export { type BatchSummary, type ClassifyFileOptions, classifyFile } from './batch-file/classify-file.ts';
export { type FileRow, readRows } from './batch-file/read-rows.ts';
export { classifierOptions } from './infer.ts';
