export { type DvcConfig, findRoot, readDvcConfig } from './dvc-config.ts';
export { type Out, readDvcFile } from './dvc-file.ts';
export { writePlots } from './plots.ts';
export { type PullOptions, type PullSummary, type PullWatcher, pull } from './pull.ts';
