export * from './backbones/backbone.ts';
export { findTextFacts, type TextFacts } from './backbones/text-facts.ts';
export { findVisionFacts, ownRules, type VisionFacts } from './backbones/vision-facts.ts';
export { requireFree, writeBertModel } from './backbones/write-bert.ts';
export * from './checkpoint.ts';
export * from './checkpoint-path.ts';
export type { DownloadProgress } from './hub/download.ts';
export { downloadFromHub, type HubOptions, isHubId } from './hub/hub.ts';

export { checkTensors, requireWhole } from './mismatch.ts';
export * from './positive-class.ts';
export * from './pretrained.ts';
export * from './pth/pth.ts';
export * from './safetensors/safetensors.ts';
export * from './safetensors/safetensors-writer.ts';
export * from './tensor-file.ts';
export * from './tensor-file-formats.ts';
