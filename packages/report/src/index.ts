export type { EpochRecord } from './history.ts';
export type { PngOptions } from './png.ts';
export { renderConfusionMatrix, renderTrainingCurves } from './render.ts';
