export type {
  Command,
  JobResult,
  OpenSweep,
  Run,
  SearchStart,
  SweepJob,
  SweepStart,
  TrialRun,
} from './cli/command.ts';
export { commandLine, describeNext } from './cli/next-command.ts';
export { runCommand } from './cli/run-command.ts';
export { readOverrides } from './cli/run-folder.ts';
export { gpuEnvironment, visibleGpus } from './cli/sweep/gpus.ts';
export type { EpochReport, ReportEpoch, TrialFate } from './cli/sweep/trial-link.ts';
export { formatTable } from './cli/table.ts';
export { type ComposeConfigOptions, type ComposedConfig, composeConfig } from './compose-config.ts';
export { findConfigDir } from './config-dir.ts';
export { upgradeStored } from './earlier-forms.ts';
export { flattenConfig } from './flatten.ts';
export {
  type BackboneFacts,
  backboneKeys,
  type CompleteConfig,
  completeConfig,
} from './schema/complete.ts';
export * from './schema/index.ts';
export { maxFailedShare } from './schema/inference.ts';
export { architectureOf, describeForeignCheckpoint, preprocessingOf, readingOf } from './schema/meaning.ts';
export {
  calibrateReads,
  evaluateReads,
  exportReads,
  inferReads,
  type Reads,
  serveReads,
  trainReads,
} from './schema/read-when.ts';
