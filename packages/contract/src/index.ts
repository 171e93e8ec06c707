export * from './architecture.ts';
export * from './artifact.ts';
export * from './batch.ts';
export * from './checkpoint.ts';
export { answerCompletion } from './command-line/completion.ts';
export { completionScript } from './command-line/completion-script.ts';
export { nearest } from './command-line/nearest.ts';
export { type OptionCommand, runOptionCommand } from './command-line/option-command.ts';
export { type Option, type Options, parseOptions, type ValuesOf } from './command-line/options.ts';
export * from './decision.ts';
export * from './encodings.ts';
export * from './epoch-metrics.ts';
export type { ErrorRow } from './errors/error-row.ts';
export * from './errors/errors.ts';
export { asFileError, describeSystemError, guardWriting, nameKey } from './errors/system-errors.ts';
export { type AnsweredCode, answeredErrors, type ErrorCode, errorSections, errorTable } from './errors/table.ts';
export * from './fusions.ts';
export * from './labels.ts';
export * from './onnx-metadata.ts';
export * from './preprocessing.ts';
export { asKnownError, describeError, exitCodeOf, exitCodes, isUsageError } from './process/exit-codes.ts';
export { runProgram } from './process/run-program.ts';
export { settle } from './process/settle.ts';
export {
  answerStop,
  interrupted,
  isInterruption,
  onStop,
  passStopsTo,
  type StopSignal,
  shareStop,
  stopSignal,
  stopSignals,
  throwIfStopped,
} from './process/signals.ts';
export { print, printError } from './process/terminal.ts';
export * from './random.ts';
export * from './secrets.ts';
