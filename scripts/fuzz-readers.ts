// `pnpm fuzz readers [key=value …]`: see help.
import { globSync } from 'node:fs';
import path from 'node:path';
import { fuzzReaders } from '@crosscheck/testkit';

const root = path.resolve(import.meta.dirname, '..');

export const help = `Usage: pnpm fuzz readers [key=value …]

Gives every reader of files changed ones: whatever comes, it has to give a value or an error of its own, in bounded memory and time.

  inputs=N      of each reader (5000)
  seed=N        of the changes (1)
  only=NAME     one reader alone: tfrecord, parquet, pth, pickle, safetensors, csv, …
  dir=DIR       keeps the inputs that broke a promise (./fuzz-readers)

Ends with 1 when a promise was broken.
`;

/** The files that say which readers a package has, and what they promise. */
export const modules: string[] = globSync('packages/*/test/fuzz/readers.ts', { cwd: root })
  .sort()
  .map((file) => path.join(root, file));

const defaults = { inputs: '5000', seed: '1', only: '', dir: 'fuzz-readers' };

function readSettings(args: readonly string[]): typeof defaults | string {
  const settings = { ...defaults };
  for (const arg of args) {
    const [key = '', value = ''] = arg.split(/=(.*)/s);
    if (!(key in defaults)) return `expected ${Object.keys(defaults).join('=…, ')}=…, got "${arg}"`;
    if ((key === 'inputs' || key === 'seed') && !(Number(value) > 0)) return `expected ${key}=N, got "${arg}"`;
    settings[key as keyof typeof defaults] = value;
  }
  return settings;
}

/** @returns the exit code */
export async function run(args: readonly string[]): Promise<number> {
  const settings = readSettings(args);
  if (typeof settings === 'string') {
    process.stderr.write(`${settings}\n\n${help}`);
    return 2;
  }
  let [readers, broken] = [0, 0];
  for (const module of modules) {
    const { inputs, seed, only, dir } = settings;
    const options = { module, only, inputs: Number(inputs), seed: Number(seed), folder: path.resolve(dir) };
    for (const { target, inputs: tried, accepted, violations } of await fuzzReaders(options)) {
      process.stdout.write(`${target}: ${tried} files, ${accepted} read, ${violations.length} broke the promise\n`);
      for (const { file, problem } of violations) process.stdout.write(`  ${file}: ${problem}\n`);
      readers += 1;
      broken += violations.length;
    }
  }
  if (readers === 0) process.stderr.write(`no reader is called "${settings.only}"\n`);
  return readers === 0 ? 2 : Number(broken > 0);
}
