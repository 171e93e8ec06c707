// A process of its own, so that a reader that hangs, or takes all memory, ends this and not the tests: MODULE SEED INPUTS FOLDER [TARGET]
import { copyFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { mutate, seededPick } from './mutate.ts';
import type { FuzzReport, FuzzTarget } from './target.ts';

const [module = '', seed = '', inputs = '', folder = '', only = ''] = process.argv.slice(2);
const { targets } = (await import(module)) as { targets: FuzzTarget[] };
/** Of one input, beside what was there before. */
const maxGrowthBytes = 1 << 29;

/** What nobody waited for. */
const astray: unknown[] = [];
process.on('unhandledRejection', (reason) => astray.push(reason));
process.on('uncaughtException', (error) => astray.push(error));

function problemOf(error: unknown, codes: readonly string[]): string | null {
  // The client of MLflow, which stands alone, has a class of its own.
  const { code: own = '', errorCode: code = own } = Object(error) as { code?: string; errorCode?: string };
  return codes.includes(code)
    ? null
    : `${code} ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}

async function outcomeOf({ read, codes }: FuzzTarget, bytes: Buffer, file: string): Promise<string | null> {
  const before = process.memoryUsage.rss();
  let problem: string | null = null;
  try {
    await read(bytes, file);
  } catch (error) {
    problem = problemOf(error, codes) ?? '';
  }
  const lost = astray.splice(0).map((error) => `outside of any promise: ${String(error)}`);
  const growth = process.memoryUsage.rss() - before;
  const tooMuch = growth > maxGrowthBytes ? [`${Math.round(growth / 2 ** 20)} MiB for ${bytes.length} bytes`] : [];
  return lost[0] ?? tooMuch[0] ?? problem;
}

async function fuzz(target: FuzzTarget): Promise<FuzzReport> {
  const seeds = await target.seeds();
  const file = path.join(folder, `${target.name}.input`);
  const report: FuzzReport = { target: target.name, inputs: 0, accepted: 0, violations: [] };
  const count = Math.ceil(Number(inputs) * (target.share ?? 1));
  for (let input = 0; input < count; input++) {
    const bytes =
      input < seeds.length ? (seeds[input] as Buffer) : mutate(seeds, seededPick(Number(seed) * 1_000_003 + input));
    writeFileSync(file, bytes);
    const problem = await outcomeOf(target, bytes, file);
    report.inputs++;
    if (problem === null) report.accepted++;
    if (!problem) continue;
    const kept = path.join(folder, `${target.name}-${input}.violation`);
    copyFileSync(file, kept);
    report.violations.push({ input, problem, file: kept });
  }
  return report;
}

for (const target of targets) {
  if (only !== '' && target.name !== only) continue;
  process.stdout.write(`${JSON.stringify({ begun: target.name })}\n`);
  process.stdout.write(`${JSON.stringify(await fuzz(target))}\n`);
}
process.exit(0);
