export { finishJob, type Summary } from './merge.ts';
export { inspectPart, type Receipt } from './receipt.ts';
export { type ScoreConfig, scoreConfigSchema } from './schema.ts';
export { score } from './score.ts';
export { split } from './split.ts';
