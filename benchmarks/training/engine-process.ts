import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface StepTime {
  seconds: number;
  /** Of all its threads: on a shared machine the fairer figure. */
  cpuSeconds: number;
  loss: number;
}

/** A program that answers one line of JSON for every batch number that it is sent. It sleeps in between. */
export interface EngineProcess {
  name: string;
  version: string;
  step(batch: number): Promise<StepTime>;
  /** @returns the largest memory that it has held */
  end(): Promise<number>;
}

export async function startEngine(name: string, command: string[], env: NodeJS.ProcessEnv): Promise<EngineProcess> {
  const [program = '', ...args] = command;
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'], env });
  const next = answersOf(child, name);
  const { version } = (await next()) as { version: string };
  return {
    name,
    version,
    step: async (batch) => {
      child.stdin?.write(`${batch}\n`);
      return (await next()) as StepTime;
    },
    end: async () => {
      child.stdin?.end();
      return ((await next()) as { peakBytes: number }).peakBytes;
    },
  };
}

function answersOf(child: ChildProcess, name: string): () => Promise<unknown> {
  if (!child.stdout) throw new Error(`${name} has no output`);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${name} ended before it answered; its own message stands above`);
    return JSON.parse(value);
  };
}
