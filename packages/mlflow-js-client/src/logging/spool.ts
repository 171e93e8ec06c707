import { createReadStream, existsSync } from 'node:fs';
import { appendFile, cp, mkdir, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { MlflowError } from '../errors.ts';
import type { OnnxModelOptions } from '../models/log-onnx-model.ts';
import { findModelFiles } from '../models/onnx-files.ts';
import { replaceFile } from '../transfers.ts';
import { formatRecord, type LogRecord, parseRecord, type RunTarget } from './records.ts';

// <folder>/mlflow-spool/<start>-<process>/{records.jsonl, state.json, files/}
const SPOOLS = 'mlflow-spool';
const RECORDS = 'records.jsonl';
const STATE = 'state.json';
const FILES = 'files';

/** How far a spool has been sent. */
export interface SpoolState {
  /** The run that the records went to so far. */
  runId: string | null;
  /** Lines of `records.jsonl` that have arrived, the first one (the target) not counted. */
  sentLines: number;
}

let spoolCount = 0;

/** What could not be sent, as lines of JSON in a folder, with copies of the files that belong to it. */
export class Spool {
  readonly folder: string;
  readonly #target: RunTarget;
  #pending = 0;
  #sentLines = 0;
  #files = 0;
  #isOpened = false;
  #isTorn = false;
  #tail: Promise<unknown> = Promise.resolve();

  constructor(parent: string, target: RunTarget) {
    this.folder = join(parent, SPOOLS, `${Date.now()}-${process.pid}-${spoolCount++}`);
    this.#target = target;
  }

  /** Path of the file with the records. */
  get path(): string {
    return join(this.folder, RECORDS);
  }

  get hasUnsent(): boolean {
    return this.#pending > 0;
  }

  /** Adds a record, after those before it; rejects when the disk does. */
  append(record: LogRecord): Promise<void> {
    this.#pending += 1;
    return this.#enqueue(async () => {
      try {
        await this.#write(record);
      } catch (error) {
        this.#pending -= 1;
        this.#isTorn = true;
        throw error;
      }
    });
  }

  #enqueue<T>(act: () => Promise<T>): Promise<T> {
    const done = this.#tail.then(act);
    this.#tail = done.catch(() => {});
    return done;
  }

  async #write(record: LogRecord): Promise<void> {
    if (!this.#isOpened) {
      await mkdir(this.folder, { recursive: true });
      await writeFile(this.path, `${formatRecord({ kind: 'target', ...this.#target })}\n`);
      this.#isOpened = true;
    }
    const line = `${formatRecord(await this.#keepFiles(record))}\n`;
    await appendFile(this.path, this.#isTorn ? `\n${line}` : line);
    this.#isTorn = false;
  }

  /** Copies files into the spool, so that they can change or vanish. */
  async #keepFiles(record: LogRecord): Promise<LogRecord> {
    switch (record.kind) {
      case 'artifact':
        return { ...record, file: await this.#keep(record.file) };
      case 'folder':
        return { ...record, folder: await this.#keep(record.folder) };
      case 'content':
        return { kind: 'artifact', file: await this.#keepBytes(record), artifactPath: record.artifactPath };
      case 'model':
        return { ...record, model: await this.#keepModel(record.model) };
      case 'batch':
      case 'inputs':
      case 'end':
        return record;
    }
  }

  async #keep(source: string): Promise<string> {
    const name = await this.#nameFile(basename(source));
    await cp(source, join(this.folder, name), { recursive: true, dereference: true });
    return name;
  }

  async #keepBytes({ bytes, artifactPath }: { bytes: Uint8Array; artifactPath: string }): Promise<string> {
    const name = await this.#nameFile(basename(artifactPath));
    await writeFile(join(this.folder, name), bytes);
    return name;
  }

  /** The files of a model stay together and keep their names, which the ONNX file refers to. */
  async #keepModel(model: OnnxModelOptions): Promise<OnnxModelOptions> {
    const folder = await this.#nameFile('model');
    for (const path of await findModelFiles(model)) await cp(path, join(this.folder, folder, basename(path)));
    return mapPaths(model, (path) => join(folder, basename(path)));
  }

  async #nameFile(name: string): Promise<string> {
    await mkdir(join(this.folder, FILES), { recursive: true });
    return join(FILES, `${this.#files++}-${name}`);
  }

  /** Sends what is unsent, in order, remembering after each record how far it came; then removes the folder. */
  async replay(send: (record: LogRecord) => Promise<void>): Promise<void> {
    do await this.#sendWritten(send);
    while (!(await this.#enqueue(() => this.#clear())));
  }

  async #sendWritten(send: (record: LogRecord) => Promise<void>): Promise<void> {
    const sizeBytes = await this.#enqueue(async () => (this.#isOpened ? (await stat(this.path)).size : 0));
    if (sizeBytes === 0) return;
    // A run that was just made must be known even if nothing of it gets through.
    await writeState(this.folder, { runId: this.#target.runId, sentLines: this.#sentLines });
    for await (const { record, line } of readRecords(this.folder, this.#sentLines, sizeBytes)) {
      await send(record);
      this.#sentLines = line;
      this.#pending -= 1;
      await writeState(this.folder, { runId: this.#target.runId, sentLines: line });
    }
  }

  async #clear(): Promise<boolean> {
    if (this.hasUnsent) return false;
    this.#isOpened = false;
    this.#isTorn = false;
    this.#sentLines = 0;
    await removeSpool(this.folder);
    return true;
  }

  /** Waits until everything appended so far is on the disk. */
  async settle(): Promise<void> {
    await this.#enqueue(async () => {
      if (!this.#isOpened) return;
      const file = await open(this.path, 'r+');
      await file.sync();
      await file.close();
    });
  }
}

/** The spools below a folder, oldest first. */
export async function findSpools(parent: string): Promise<string[]> {
  const names = await readdir(join(parent, SPOOLS)).catch((): string[] => []);
  return names
    .toSorted()
    .map((name) => join(parent, SPOOLS, name))
    .filter((folder) => existsSync(join(folder, RECORDS)));
}

/** What a spool says about its run, and how much of it has arrived. */
export async function readSpool(folder: string): Promise<{ target: RunTarget; state: SpoolState }> {
  const path = join(folder, RECORDS);
  const [first = ''] = (await readFile(path, 'utf8')).split('\n', 1);
  const target = parseLine(first);
  if (target?.kind !== 'target') {
    const message = `expected the first line of ${path} to name the run, got "${first.slice(0, 80)}"; remove the folder if it is damaged`;
    throw new MlflowError('INVALID_PARAMETER_VALUE', message);
  }
  const statePath = join(folder, STATE);
  if (!existsSync(statePath)) return { target, state: { runId: target.runId, sentLines: 0 } };
  return { target, state: JSON.parse(await readFile(statePath, 'utf8')) as SpoolState };
}

/** The records after the first `sentLines`, with absolute paths; a line torn by a crash is left out. */
export async function* readRecords(
  folder: string,
  sentLines: number,
  sizeBytes = Number.POSITIVE_INFINITY,
): AsyncGenerator<{ record: LogRecord; line: number }> {
  const input = createReadStream(join(folder, RECORDS), { end: sizeBytes - 1 });
  let line = -1;
  for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    line += 1;
    const record = line > sentLines ? parseLine(text) : null;
    if (record !== null && record.kind !== 'target') yield { record: withAbsolutePaths(record, folder), line };
  }
}

function parseLine(text: string): ReturnType<typeof parseRecord> | null {
  try {
    return parseRecord(text);
  } catch {
    return null;
  }
}

function withAbsolutePaths(record: LogRecord, folder: string): LogRecord {
  if (record.kind === 'artifact') return { ...record, file: join(folder, record.file) };
  if (record.kind === 'folder') return { ...record, folder: join(folder, record.folder) };
  if (record.kind === 'model') return { ...record, model: mapPaths(record.model, (path) => join(folder, path)) };
  return record;
}

function mapPaths(model: OnnxModelOptions, map: (path: string) => string): OnnxModelOptions {
  return {
    ...model,
    onnxPath: map(model.onnxPath),
    externalData: model.externalData?.map(map),
    extraFiles: model.extraFiles?.map(map),
  };
}

export async function writeState(folder: string, state: SpoolState): Promise<void> {
  await replaceFile(join(folder, STATE), (partial) => writeFile(partial, JSON.stringify(state)));
}

/** Lets the spools after this one that go on with its run know which run that is. */
export async function tellFollowing(folder: string, runId: string): Promise<void> {
  const spools = await findSpools(join(folder, '../..'));
  for (const next of spools.slice(spools.indexOf(folder) + 1)) {
    const { target, state } = await readSpool(next);
    if (target.continues === true && state.runId === null) await writeState(next, { ...state, runId });
  }
}

/** Removes a spool, and the folder around it when it was the last. */
export async function removeSpool(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  const parent = join(folder, '..');
  const rest = await readdir(parent).catch(() => ['?']);
  if (rest.length === 0) await rm(parent, { recursive: true, force: true });
}
