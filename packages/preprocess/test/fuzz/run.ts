// `pnpm fuzz jpeg [key=value]`: see help.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fuzzJpeg, type Violation } from './fuzz-jpeg.ts';
import { promise } from './judge.ts';

export const help = `Usage: pnpm fuzz jpeg [key=value …]

Changes JPEGs so that the decoder's direct way differs as much as possible from libjpeg with Pillow's resize, and says by how much. Promised are
at most ${promise.mean} of 255 on average and ${promise.max} in any value.

  seconds=N     how long (60)
  inputs=N      how many files, instead
  seed=N        of the changes (1)
  corpus=DIR    kept between runs: files that differed more than others of their line, tried first (./fuzz-corpus)

A file that breaks the promise is saved there as violation-*.jpg, and the command ends with 1.
`;

const defaults = { seconds: '60', inputs: '', seed: '1', corpus: 'fuzz-corpus' };
type Settings = typeof defaults;

function readSettings(args: readonly string[]): Settings | string {
  const settings = { ...defaults };
  for (const arg of args) {
    const [key = '', value = ''] = arg.split(/=(.*)/s);
    if (!(key in defaults)) return `expected ${Object.keys(defaults).join('=…, ')}=…, got "${arg}"`;
    if (key !== 'corpus' && !(Number(value) > 0)) return `expected ${key}=N with a number above 0, got "${arg}"`;
    settings[key as keyof Settings] = value;
  }
  return settings;
}

/** Names say what they hold: the size of the square, and a hash of the file. */
const nameOf = ({ file, size }: Pick<Violation, 'file' | 'size'>) =>
  `${size}-${createHash('sha256').update(file).digest('hex').slice(0, 12)}.jpg`;

/** Files of a folder whose names say the size of the square. */
export function readCorpus(folder: string): { file: Buffer; size: number; name: string }[] {
  const names = existsSync(folder) ? readdirSync(folder).sort() : [];
  return names.flatMap((name) => {
    const size = Number(/^(?:violation-)?(\d+)-[0-9a-f]+\.jpg$/.exec(name)?.[1]);
    return size ? [{ file: readFileSync(path.join(folder, name)), size, name }] : [];
  });
}

/** @returns the exit code */
export async function run(args: readonly string[]): Promise<number> {
  const settings = readSettings(args);
  if (typeof settings === 'string') {
    process.stderr.write(`${settings}\n\n${help}`);
    return 2;
  }
  const { corpus, inputs, seconds, seed } = settings;
  const known = readCorpus(corpus);
  mkdirSync(corpus, { recursive: true });
  const start = performance.now();
  // Kept is what comes to within half of a broken promise: the rest is found again at once.
  const keep = (found: Violation) => found.score > 0.5 && writeFileSync(path.join(corpus, nameOf(found)), found.file);
  const report = await fuzzJpeg({
    seed: Number(seed),
    corpus: known,
    goesOn: (count) => (inputs ? count < Number(inputs) : performance.now() - start < 1000 * Number(seconds)),
    onBetter: (found) => void keep(found),
  });
  for (const found of report.violations) {
    const file = path.join(corpus, `violation-${nameOf(found)}`);
    writeFileSync(file, found.file);
    process.stdout.write(`${file}: ${found.mean.toFixed(2)} of 255 on average, ${found.max} at most\n`);
  }
  const { inputs: tried, accepted, mean, max, violations } = report;
  process.stdout.write(
    `${tried} files (${known.length} of them known), ${accepted} decoded directly; at most ${mean.toFixed(2)} of 255 on average and ${max} in any value; ${violations.length} broke the promise\n`,
  );
  return violations.length === 0 ? 0 : 1;
}
