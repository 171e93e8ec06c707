// Readers that break their promises, each in its own way.
import { setImmediate as turn } from 'node:timers/promises';
import type { FuzzTarget } from '@crosscheck/testkit';

function hang(): void {
  for (;;);
}

function takeAll(): void {
  for (const all: number[][] = []; ; ) all.push(Array.from({ length: 1 << 20 }, () => 0.5));
}

async function lose(): Promise<void> {
  void Promise.reject(new Error('lost'));
  await turn();
}

const broken = { hangs: hang, 'takes-all': takeAll, throws: () => (null as unknown as string).length, loses: lose };

export const targets: FuzzTarget[] = Object.entries(broken).map(([name, read]) => ({
  name,
  read,
  seeds: () => [Buffer.from('x')],
  codes: ['CROSSCHECK_DATA_ENCODING'],
}));
