import { parseArgs } from 'node:util';
import { CrosscheckError, messageOf } from '@crosscheck/contract';
import { generateDemo } from '../demo/generate-demo.ts';
import { nearest } from '../nearest.ts';

const options = {
  dir: { default: 'demo', help: 'folder that receives train.csv, val.csv, test.csv and images/' },
  seed: { default: 7, help: 'the same seed gives the same posts' },
  train: { default: 2000, help: 'posts in train.csv (even)' },
  val: { default: 400, help: 'posts in val.csv (even)' },
  test: { default: 400, help: 'posts in test.csv (even)' },
  image_size: { default: 160, help: 'longer side of the pictures in pixels' },
};

type Values = { [K in keyof typeof options]: (typeof options)[K]['default'] };

const write = (text: string) => void process.stdout.write(text);

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { help: { type: 'boolean', short: 'h' } },
  });
  if (values.help) return write(helpText());
  const { dir, seed, train, val, test, image_size } = parseValues(positionals);
  const onProgress = (done: number, total: number) => {
    if (process.stdout.isTTY) write(`\r${done}/${total} posts`);
  };
  const { files, examples } = await generateDemo({ dir, seed, train, val, test, imageSize: image_size, onProgress });
  write(`${process.stdout.isTTY ? '\r' : ''}${train + val + test} posts: ${Object.values(files).join(', ')}\n`);
  for (const { label, imagePath, text } of Object.values(examples)) write(`${label}  ${imagePath}  "${text}"\n`);
}

function helpText(): string {
  const lines = Object.entries(options).map(
    ([key, option]) => `  ${`${key}=${option.default}`.padEnd(18)}${option.help}`,
  );
  return `pnpm data:demo [key=value …]\n\nMakes small news posts, half of them with the words of another picture.\n\n${lines.join('\n')}\n`;
}

function parseValues(args: string[]): Values {
  const values: Record<string, string | number> = {};
  for (const [key, option] of Object.entries(options)) values[key] = option.default;
  for (const arg of args) {
    const [, key = '', value = ''] = /^([^=]*)=(.*)$/s.exec(arg) ?? [];
    const known = options[key as keyof Values];
    if (!known || value === '') throw badArgument(arg, key);
    if (typeof known.default === 'number' && !/^\d+$/.test(value)) throw badArgument(arg, key);
    values[key] = typeof known.default === 'number' ? Number(value) : value;
  }
  return values as Values;
}

function badArgument(arg: string, key: string): CrosscheckError {
  const keys = Object.keys(options);
  const hint = keys.includes(key)
    ? ` (${key} takes ${typeof options[key as keyof Values].default === 'number' ? 'a whole number' : 'a path'})`
    : '';
  const near = nearest(key || arg, keys);
  const suggestion = hint === '' && near ? `; did you mean ${near}=…?` : '';
  return new CrosscheckError(
    'CROSSCHECK_DATA_BAD_OPTION',
    `expected key=value with one of ${keys.join(', ')}, got "${arg}"${hint}${suggestion}`,
  );
}

await main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof CrosscheckError ? `${error.code}: ` : ''}${messageOf(error)}\n`);
  process.exitCode = 1;
});
