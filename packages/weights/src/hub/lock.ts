import { open, readFile, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { isSystemError } from '../atomic-file.ts';

const [pollMs, refreshMs, staleAfterMs] = [200, 10_000, 120_000];

/**
 * Runs `body` while no other process holds the same lock file. A lock whose process is gone is taken over: at once on this
 * machine, after two minutes without a sign of life on another one.
 */
export async function withLock<T>(file: string, body: () => Promise<T>): Promise<T> {
  while (!(await tryLock(file))) {
    if (await isAbandoned(file)) await rm(file, { force: true });
    else await sleep(pollMs);
  }
  const refresh = setInterval(() => void utimes(file, new Date(), new Date()).catch(() => undefined), refreshMs);
  try {
    return await body();
  } finally {
    clearInterval(refresh);
    await rm(file, { force: true });
  }
}

async function tryLock(file: string): Promise<boolean> {
  try {
    const handle = await open(file, 'wx');
    await handle.writeFile(`${process.pid} ${hostname()}`);
    await handle.close();
    return true;
  } catch (error) {
    if (isSystemError(error) && error.code === 'EEXIST') return false;
    throw error;
  }
}

async function isAbandoned(file: string): Promise<boolean> {
  const [text, status] = await Promise.all([readFile(file, 'utf8').catch(() => ''), stat(file).catch(() => null)]);
  if (status === null) return false; // released meanwhile
  const [pid = '', host] = text.split(' ');
  const isDead = host === hostname() && !isAlive(Number(pid));
  return isDead || Date.now() - status.mtimeMs > staleAfterMs;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return isSystemError(error) && error.code === 'EPERM';
  }
}
