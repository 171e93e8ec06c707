import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { childrenOf, temporaryFolder } from '@crosscheck/testkit';
import sharp from 'sharp';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { decodedCost } from '../../src/decoders/decoded-cost.ts';
import { type Decoders, type DecodersOptions, decodeImage, openByteBudget, openDecoders } from '../../src/index.ts';

const golden = (file: string) => readFileSync(path.join(import.meta.dirname, '../golden/pixels', file));
const code = (name: string) => expect.objectContaining({ code: `CROSSCHECK_IMAGE_${name}` });
const minutes = 600_000;

const folder = temporaryFolder();
afterAll(folder.remove);

const opened: Decoders[] = [];
function open(options: DecodersOptions): Decoders {
  const decoders = openDecoders(options);
  opened.push(decoders);
  return decoders;
}

afterEach(() => {
  for (const decoders of opened.splice(0)) decoders.close();
});

/** Seconds of work. */
async function expensive(): Promise<Buffer> {
  const create = { width: 5000, height: 5000, channels: 3 as const, background: 'navy' };
  return sharp({ create }).png({ progressive: true, compressionLevel: 1 }).toBuffer();
}

const killChildren = () => childrenOf(process.pid).forEach((pid) => process.kill(pid, 'SIGKILL'));

describe('openDecoders', () => {
  it('decodes as decodeImage does, and fails as it does', async () => {
    const decoders = open({ processes: 2 });
    for (const file of ['progressive-444.jpg', 'photo.jpg', 'alpha.png', 'lossy.webp', '444.avif', 'pages.tif']) {
      const actual = await decoders.decodeWithin(golden(file), { size: 32, deadlineMs: minutes });
      expect(Buffer.compare(actual, await decodeImage(golden(file), { size: 32 }))).toBe(0);
    }
    const cut = golden('alpha.png').subarray(0, 9000);
    const failure = decoders.decodeWithin(cut, { size: 32, deadlineMs: minutes, name: 'upload.png' });
    await expect(failure).rejects.toEqual(code('UNREADABLE'));
    await expect(failure).rejects.toThrow('upload.png');
    expect(decoders.stats()).toMatchObject({ cheap: 0, expensive: 0, ended: 0 });
  });

  it('ends the process of a picture that nobody waits for any more, and goes on with another one', async () => {
    const decoders = open({ processes: 1 });
    const giveUp = new AbortController();
    const options = { size: 32, deadlineMs: minutes };
    const running = decoders.decodeWithin(await expensive(), { ...options, signal: giveUp.signal });
    // Only then is the process taken: of two that wait for it, the cheap one goes first.
    await expect.poll(() => decoders.stats().expensive, { interval: 5, timeout: 20_000 }).toBe(1);
    const next = decoders.decodeWithin(golden('alpha.png'), options);
    await expect.poll(() => decoders.stats(), { interval: 5 }).toMatchObject({ cheap: 1, expensive: 1 });
    giveUp.abort(new Error('the client left'));
    await expect(running).rejects.toThrow('the client left');
    expect(await next).toHaveLength(32 * 32 * 3);
    expect(decoders.stats()).toMatchObject({ cheap: 0, expensive: 0, ended: 1 });
  });

  it('says so when the time is over, waiting included', async () => {
    const decoders = open({ processes: 1 });
    const late = decoders.decodeWithin(await expensive(), { size: 32, deadlineMs: 1, name: 'upload.png' });
    await expect(late).rejects.toEqual(code('DEADLINE'));
    await expect(late).rejects.toThrow('upload.png');
  });

  it('gives a picture up that takes too much work, and none that only waited', async () => {
    const strict = open({ processes: 1, workMs: 1 });
    const late = strict.decodeWithin(await expensive(), { size: 32, name: 'row.png' });
    await expect(late).rejects.toEqual(code('DEADLINE'));
    await expect(late).rejects.toThrow('within 1 ms; this one was not (row.png)');
    expect(strict.stats()).toMatchObject({ cheap: 0, expensive: 0, ended: 1 });
    const budget = openByteBudget(60 * 2 ** 20);
    const decoders = open({ processes: 1, workMs: 1000, budget });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const giveBack = await budget.take(60 * 2 ** 20);
      const waiting = decoders.decodeWithin(golden('alpha.png'), { size: 32 });
      await expect.poll(() => budget.waiting(), { timeout: 20_000 }).toBe(1);
      vi.advanceTimersByTime(60_000);
      giveBack();
      expect(await waiting).toHaveLength(32 * 32 * 3);
    } finally {
      vi.useRealTimers();
    }
  });

  it('decodes here what its header says to be a moment, and in a process what may be more', async () => {
    const decoders = open({ processes: 1, quickHere: 2, workMs: 1 });
    for (const file of ['progressive-444.jpg', 'alpha.png', 'lossy.webp']) {
      const actual = await decoders.decodeWithin(golden(file), { size: 32 });
      expect(Buffer.compare(actual, await decodeImage(golden(file), { size: 32 }))).toBe(0);
    }
    await expect(decoders.decodeWithin(golden('444.avif'), { size: 32 })).rejects.toEqual(code('DEADLINE'));
    await expect(decoders.decodeWithin(golden('pages.tif'), { size: 32 })).rejects.toEqual(code('DEADLINE'));
    await expect(decoders.decodeWithin(await expensive(), { size: 32 })).rejects.toEqual(code('DEADLINE'));
  });

  it('keeps a program going that waits for a picture, and none that waits for nothing', () => {
    const program = `
      import { readFileSync } from 'node:fs';
      import { openDecoders } from ${JSON.stringify(path.join(import.meta.dirname, '../../src/index.ts'))};
      const file = readFileSync(${JSON.stringify(path.join(import.meta.dirname, '../golden/pixels/444.avif'))});
      const pixels = await openDecoders({ processes: 1 }).decodeWithin(file, { size: 8 });
      process.stdout.write(String(pixels.length));`;
    const script = path.join(folder.dir, 'decode-one.mts');
    writeFileSync(script, program);
    const args = ['--conditions=@crosscheck/source', script];
    expect(execFileSync(process.execPath, args, { encoding: 'utf8', timeout: 60_000 })).toBe('192');
  });

  it('gives a picture to another process when its own had ended unnoticed, and fails it when it ended at its work', async () => {
    const decoders = open({ processes: 1 });
    const options = { size: 32, deadlineMs: minutes };
    await decoders.decodeWithin(golden('alpha.png'), options);
    killChildren();
    expect(await decoders.decodeWithin(golden('alpha.png'), options)).toHaveLength(32 * 32 * 3);
    let outcome: unknown;
    const atWork = decoders.decodeWithin(await expensive(), options).catch((error: unknown) => (outcome = error));
    await expect
      .poll(() => (killChildren(), outcome), { timeout: 20_000, interval: 200 })
      .toEqual(code('DECODER_ENDED'));
    await atWork;
  });

  it('lets cheap pictures pass by expensive ones', async () => {
    const decoders = open({ processes: 2 });
    const options = { size: 32, deadlineMs: minutes };
    const file = await expensive();
    const slow = Array.from({ length: 3 }, () => decoders.decodeWithin(file, options).catch((error: unknown) => error));
    await expect.poll(() => decoders.stats().expensive, { timeout: 20_000 }).toBe(3);
    expect(await decoders.decodeWithin(golden('alpha.png'), options)).toHaveLength(32 * 32 * 3);
    decoders.close();
    expect(await Promise.all(slow)).toContainEqual(code('DECODER_ENDED'));
    await expect(decoders.decodeWithin(golden('alpha.png'), options)).rejects.toEqual(code('DECODER_ENDED'));
  });

  it('gives back what a picture took of the budget, whatever became of it', async () => {
    const budget = openByteBudget(60 * 2 ** 20);
    const decoders = open({ processes: 1, budget });
    const options = { size: 32, deadlineMs: minutes };
    await decoders.decodeWithin(golden('alpha.png'), options);
    await expect(decoders.decodeWithin(golden('alpha.png').subarray(0, 9000), options)).rejects.toEqual(
      code('UNREADABLE'),
    );
    await expect(decoders.decodeWithin(await expensive(), options)).rejects.toEqual(code('OVER_BUDGET'));
    expect(budget.inUse()).toBe(0);
  });
});

describe('openByteBudget', () => {
  /** Takes bytes, and notes who started. */
  function line(maxBytes: number) {
    const budget = openByteBudget(maxBytes);
    const started: string[] = [];
    const take = async (name: string, bytes: number) => {
      const giveBack = await budget.take(bytes);
      started.push(name);
      return giveBack;
    };
    return { budget, started, take };
  }

  it('lets work wait in turn', async () => {
    const { budget, started, take } = line(100);
    const first = await take('first', 60);
    const [second, third] = [take('second', 80), take('third', 20)];
    expect([budget.inUse(), budget.waiting()]).toEqual([60, 2]);
    first();
    first(); // twice is once
    (await second)();
    (await third)();
    expect(started).toEqual(['first', 'second', 'third']);
    expect([budget.inUse(), budget.waiting()]).toEqual([0, 0]);
  });

  it('lets what takes little pass by what takes much, but not for ever', async () => {
    const { started, take } = line(100);
    const large = await take('large', 80);
    const next = take('next large', 85);
    const small = [await take('small', 10)];
    const late = take('late small', 10);
    expect(started).toEqual(['large', 'small']);
    large();
    (await next)();
    for (const giveBack of [...small, await late]) giveBack();
    expect(started).toEqual(['large', 'small', 'next large', 'late small']);
  });

  it('refuses what will never fit, and forgets who left', async () => {
    const budget = openByteBudget(100 * 2 ** 20);
    await expect(budget.take(2 ** 30, { name: 'huge.avif' })).rejects.toThrow('huge.avif');
    const all = await budget.take(100 * 2 ** 20);
    const leave = new AbortController();
    const waiting = budget.take(5, { signal: leave.signal });
    leave.abort(new Error('left'));
    await expect(waiting).rejects.toThrow('left');
    await expect(budget.take(5, { signal: leave.signal })).rejects.toThrow('left');
    all();
    expect([budget.inUse(), budget.waiting()]).toEqual([0, 0]);
  });

  it('refuses who waits for too long', async () => {
    const budget = openByteBudget(100, { patienceMs: 1 });
    const giveBack = await budget.take(100);
    await expect(budget.take(5, { name: 'late.png' })).rejects.toMatchObject({ code: 'CROSSCHECK_IMAGE_BUDGET_BUSY' });
    giveBack();
    expect([budget.inUse(), budget.waiting()]).toEqual([0, 0]);
    (await budget.take(100))();
  });

  it('keeps a share for little, however much the others take', async () => {
    const budget = openByteBudget(80);
    const large = await Promise.all([budget.take(35), budget.take(35)]);
    const third = budget.take(11);
    const little = await budget.take(10);
    expect([budget.inUse(), budget.waiting()]).toEqual([80, 1]);
    for (const giveBack of [...large, little]) giveBack();
    (await third)();
    (await budget.take(80))(); // alone, one may have it all
  });

  it('is what decodeImage waits for', async () => {
    const budget = openByteBudget(2 ** 20);
    await expect(decodeImage(golden('444.avif'), { size: 16, budget })).rejects.toEqual(code('OVER_BUDGET'));
    expect(await decodeImage(golden('soft-420.jpg'), { size: 16, budget })).toHaveLength(768); // straight: takes nothing
  });
});

it('counts formats by what they keep of the whole picture', () => {
  const facts = { width: 6300, height: 6300, channels: 3, depthBytes: 1, isProgressive: false, isStreamed: true };
  const cost = (type: 'jpeg' | 'png' | 'avif', isProgressive = false) => decodedCost({ ...facts, type, isProgressive });
  // Measured by `pnpm bench:decode-memory`: 739, 257 and 152 MB.
  expect(cost('avif')).toBeGreaterThan(739e6);
  expect(cost('jpeg', true)).toBeGreaterThan(257e6);
  expect(cost('png', true)).toBeGreaterThan(152e6);
  expect(cost('png')).toBeLessThan(cost('png', true));
  expect(decodedCost({ ...facts, type: 'png', depthBytes: 2 })).toBeGreaterThan(cost('png'));
});
