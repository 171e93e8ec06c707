// Looks for inputs that break a promise: `pnpm fuzz WHAT [key=value …]`.
const fuzzers: Record<string, string> = {
  jpeg: '../packages/preprocess/test/fuzz/run.ts',
  readers: './fuzz-readers.ts',
};

const [what = '', ...args] = process.argv.slice(2);
const file = fuzzers[what];
if (file === undefined) {
  process.stderr.write(`expected pnpm fuzz ${Object.keys(fuzzers).join(' | ')}, got "${what}"\n`);
  process.exit(2);
}
const { help, run } = (await import(file)) as { help: string; run: (args: readonly string[]) => Promise<number> };
if (args.includes('--help')) process.stdout.write(help);
else process.exitCode = await run(args);
