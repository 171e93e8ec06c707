import type { Architecture } from '@crosscheck/contract';
import type { Model } from '@crosscheck/engine';
import type { Phase } from './phases.ts';

const visionBlock = /^vision_branch\.backbone\.features\.(\d+)\./;
const textBlock = /^text_branch\.backbone\.(?:embeddings|transformer\.layer\.(\d+))\./;

/**
 * How far a parameter is from the heads, in blocks: 0 for projections and fusion, 1 for the last block of its backbone, and so on. A
 * vision block is a stage of EfficientNet's table, stem and last convolution included; a text block is a layer, or the embeddings.
 */
export function distanceFromHeads(name: string, { vision, text }: Architecture): number {
  const stage = visionBlock.exec(name)?.[1];
  if (stage !== undefined) return vision.stages.length + 2 - Number(stage);
  const layer = textBlock.exec(name);
  if (layer === null) return 0;
  return layer[1] === undefined ? text.layers + 1 : text.layers - Number(layer[1]);
}

/** Backbone blocks that learn in an epoch of the phase; null = all that are not frozen. */
export function openBlocks({ unfreezeEvery }: Phase, epoch: number): number | null {
  return unfreezeEvery === null ? null : 1 + Math.floor(epoch / unfreezeEvery);
}

/** Names of the variables that learn in an epoch of a phase. */
export function trainableIn(model: Model, phase: Phase, epoch: number): string[] {
  const names = model.trainableNames(phase.freeze);
  const open = openBlocks(phase, epoch);
  return open === null ? names : names.filter((name) => distanceFromHeads(name, model.architecture) <= open);
}
