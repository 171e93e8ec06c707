import { configErrors } from './codes/config.ts';
import { contractErrors } from './codes/contract.ts';
import { dataErrors } from './codes/data.ts';
import { dvcErrors } from './codes/dvc.ts';
import { evaluationErrors, reportErrors } from './codes/evaluation.ts';
import { exporterErrors } from './codes/exporter.ts';
import { inferenceErrors } from './codes/inference.ts';
import { modelErrors } from './codes/model.ts';
import { preprocessErrors } from './codes/preprocess.ts';
import { scoringErrors } from './codes/scoring.ts';
import { serverErrors } from './codes/server.ts';
import { storageErrors } from './codes/storage.ts';
import { tensorflowErrors } from './codes/tensorflow.ts';
import { trainerErrors } from './codes/trainer.ts';
import type { ErrorRow } from './error-row.ts';

/** Every code, by the part of Crosscheck that it belongs to. */
export const errorSections = {
  config: configErrors,
  contract: contractErrors,
  data: dataErrors,
  dvc: dvcErrors,
  evaluation: evaluationErrors,
  exporter: exporterErrors,
  inference: inferenceErrors,
  model: modelErrors,
  preprocess: preprocessErrors,
  scoring: scoringErrors,
  server: serverErrors,
  storage: storageErrors,
  tensorflow: tensorflowErrors,
  report: reportErrors,
  trainer: trainerErrors,
} as const;

const table = {
  ...configErrors,
  ...contractErrors,
  ...dataErrors,
  ...dvcErrors,
  ...evaluationErrors,
  ...exporterErrors,
  ...inferenceErrors,
  ...modelErrors,
  ...preprocessErrors,
  ...scoringErrors,
  ...serverErrors,
  ...storageErrors,
  ...tensorflowErrors,
  ...reportErrors,
  ...trainerErrors,
} as const;

type Table = typeof table;

/** A stable error code, one of those in the table: a code that is not there does not compile. */
export type ErrorCode = keyof Table;

/** The codes that a request can be answered with. */
export type AnsweredCode = { [C in ErrorCode]: Table[C] extends { status: number } ? C : never }[ErrorCode];

export const errorTable: Readonly<Record<ErrorCode, ErrorRow>> = table;

type AnsweredRow = Required<Pick<ErrorRow, 'status' | 'example'>>;

/** Status and example of every code that a request can be answered with, by status. All other errors are answered as CROSSCHECK_SERVER_INTERNAL. */
export const answeredErrors = Object.fromEntries(
  Object.entries(errorTable)
    .filter(([, row]) => row.status !== undefined)
    .sort(([, a], [, b]) => (a.status as number) - (b.status as number)),
) as unknown as Readonly<Record<AnsweredCode, AnsweredRow>>;
