import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { repositoryRoot } from '@crosscheck/testkit';
import { expect, test } from 'vitest';
import { hydraErrorCodes } from '../../packages/hydra/src/index.ts';

const read = (file: string) => readFileSync(path.join(repositoryRoot, file), 'utf8');

/** Codes stand in the source as string literals; environment variables share the prefix but are read from `env`. */
function thrownCodes(): Map<string, string> {
  const found = new Map(hydraErrorCodes.map((code) => [`CROSSCHECK_CONFIG_${code}`, 'packages/hydra']));
  for (const file of globSync('packages/*/src/**/*.ts', { cwd: repositoryRoot })) {
    for (const [, code] of read(file).matchAll(/(?<!env\[)['"](CROSSCHECK_[A-Z0-9_]*[A-Z0-9])['"](?!\])/g)) {
      if (code && !environmentVariables.has(code)) found.set(code, file);
    }
  }
  return found;
}

const environmentVariables = new Set(
  globSync('packages/*/src/**/*.ts', { cwd: repositoryRoot }).flatMap((file) =>
    [...read(file).matchAll(/(?:env(?:\[['"]|\.)|ariable = ['"])(CROSSCHECK_[A-Z0-9_]+)/g)].map(
      (match) => match[1] ?? '',
    ),
  ),
);

const documented = [...read('docs/errors.md').matchAll(/^\| `(CROSSCHECK_[A-Z0-9_]+)` \| ([^|]+) \| ([^|]+) \|$/gm)];

test('docs/errors.md explains every code that the source can throw', () => {
  const explained = new Set(documented.map(([, code]) => code));
  const missing = [...thrownCodes()]
    .filter(([code]) => !explained.has(code))
    .map(([code, file]) => `${code} (${file})`);
  expect(missing).toEqual([]);
});

test('docs/errors.md explains no code that nothing throws', () => {
  const thrown = thrownCodes();
  expect(documented.map(([, code]) => code ?? '').filter((code) => !thrown.has(code))).toEqual([]);
});

test('docs/errors.md explains each code once', () => {
  const codes = documented.map(([, code]) => code);
  expect(codes.filter((code, i) => codes.indexOf(code) !== i)).toEqual([]);
});
