import { mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { MlflowError, messageOf } from '../../errors.ts';
import { SCHEMA } from './schema.ts';

export type Row = Record<string, SQLOutputValue>;

/** The statements of one transaction. */
export interface Transaction {
  all(sql: string, ...values: SQLInputValue[]): Row[];
  get(sql: string, ...values: SQLInputValue[]): Row | undefined;
  /** Returns the number of changed rows. */
  run(sql: string, ...values: SQLInputValue[]): number;
  /** Inserts a row given by its columns, so that columns that newer MLflows add keep their defaults. */
  insert(
    table: string,
    row: Readonly<Record<string, SQLInputValue>>,
    onConflict?: 'IGNORE' | 'REPLACE' | 'ABORT',
  ): number;
}

export interface Database {
  /** Runs a function as one transaction, again while another process holds the file. */
  transact<T>(act: (transaction: Transaction) => T): Promise<T>;
  close(): void;
}

// Short, because node:sqlite waits on the main thread; the rest of the patience is asynchronous.
const BUSY_TIMEOUT_MS = 100;
const PATIENCE_MS = 30_000;
const PAUSE_MS = 100;

/** Opens, or makes, an MLflow database. */
export async function openDatabase(path: string): Promise<Database> {
  const { DatabaseSync } = await importSqlite();
  mkdirSync(dirname(resolve(path)), { recursive: true });
  const connection = new DatabaseSync(path);
  connection.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
  await patiently(path, () => connection.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL'));
  const statements = createTransaction(connection);
  const transact = <T>(act: (transaction: Transaction) => T) =>
    patiently(path, () => inTransaction(connection, () => act(statements)));
  await transact((transaction) => prepareSchema(connection, transaction, path));
  return { transact, close: () => connection.close() };
}

async function importSqlite(): Promise<typeof import('node:sqlite')> {
  try {
    return await import('node:sqlite');
  } catch (cause) {
    const message = `sqlite: tracking URIs need Node 22.13 or newer, this is ${process.version}; use a folder (./mlruns) or a server (http://…)`;
    throw new MlflowError('UNSUPPORTED_RUNTIME', message, { cause });
  }
}

function createTransaction(connection: DatabaseSync): Transaction {
  const prepared = new Map<string, StatementSync>();
  const prepare = (sql: string): StatementSync => {
    const statement = prepared.get(sql) ?? connection.prepare(sql);
    prepared.set(sql, statement);
    return statement;
  };
  const run = (sql: string, ...values: SQLInputValue[]) => Number(prepare(sql).run(...values).changes);
  return {
    run,
    all: (sql, ...values) => prepare(sql).all(...values),
    get: (sql, ...values) => prepare(sql).get(...values),
    insert(table, row, onConflict = 'ABORT') {
      const columns = Object.keys(row);
      const names = columns.map((column) => `"${column}"`).join(', ');
      const places = columns.map(() => '?').join(', ');
      return run(`INSERT OR ${onConflict} INTO ${table} (${names}) VALUES (${places})`, ...Object.values(row));
    },
  };
}

function inTransaction<T>(connection: DatabaseSync, act: () => T): T {
  connection.exec('BEGIN IMMEDIATE');
  try {
    const result = act();
    connection.exec('COMMIT');
    return result;
  } catch (error) {
    if (connection.isTransaction) connection.exec('ROLLBACK');
    throw error;
  }
}

/** Another writer, or MLflow in the middle of a migration, is waited for. */
async function patiently<T>(path: string, act: () => T): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      return act();
    } catch (error) {
      if (!isBusy(error)) throw explainSqlite(error, path);
      if (Date.now() > deadline)
        throw new MlflowError('TEMPORARILY_UNAVAILABLE', `${path} was locked for ${PATIENCE_MS} ms`, { cause: error });
    }
    await sleep(PAUSE_MS);
  }
}

function isBusy(error: unknown): boolean {
  return (
    !(error instanceof MlflowError) &&
    /database( table)? is locked|database schema (has changed|is locked)/i.test(messageOf(error))
  );
}

function explainSqlite(error: unknown, path: string): unknown {
  if (error instanceof MlflowError || (error as { code?: string }).code !== 'ERR_SQLITE_ERROR') return error;
  return new MlflowError('INTERNAL_ERROR', `${path}: ${messageOf(error)}`, { cause: error });
}

function prepareSchema(connection: DatabaseSync, transaction: Transaction, path: string): void {
  const tables = transaction.all("SELECT name FROM sqlite_master WHERE type = 'table'").map((row) => row['name']);
  if (tables.length === 0) connection.exec(SCHEMA);
  else if (!tables.includes('alembic_version') || !tables.includes('experiments'))
    throw new MlflowError('INVALID_STATE', `${path} is a SQLite database, but not MLflow's; give another path`);
  else if (!tables.includes('logged_models') || !hasOutputSteps(transaction))
    throw new MlflowError(
      'INVALID_STATE',
      `${path} was made by an MLflow older than 3.0; run: mlflow db upgrade sqlite:///${path}`,
    );
}

function hasOutputSteps(transaction: Transaction): boolean {
  return transaction.all("SELECT name FROM pragma_table_info('inputs')").some((row) => row['name'] === 'step');
}
