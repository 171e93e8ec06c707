import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { repositoryRoot } from '@crosscheck/testkit';
import { expect, test } from 'vitest';
import { answeredErrors, errorSections, errorTable } from '../../packages/contract/src/index.ts';
import { hydraErrorCodes } from '../../packages/hydra/src/index.ts';
import { errorDocuments } from '../errors-documents.ts';

const read = (file: string) => readFileSync(path.join(repositoryRoot, file), 'utf8');
const codes = Object.keys(errorTable);

test.each(Object.entries(errorDocuments()))('%s says what the table of errors says', (file, text) => {
  expect(read(file), 'run pnpm docs:errors').toBe(text);
});

test('each code stands in one section', () => {
  const inSections = Object.values(errorSections).flatMap((rows) => Object.keys(rows));
  expect(inSections.toSorted()).toEqual(codes.toSorted());
});

test('every code that is answered has an example', () => {
  for (const [code, { status, example }] of Object.entries(answeredErrors))
    expect([code, status >= 400 && status < 600, example.length > 10]).toEqual([code, true, true]);
});

// That every code that is thrown stands in the table is held by the compiler.
test('nothing stands in the table that nothing throws', () => {
  const sources = globSync('packages/*/src/**/*.ts', { cwd: repositoryRoot })
    .filter((file) => !file.includes('contract/src/errors/codes/'))
    .map(read)
    .join('\n');
  const ofHydra = new Set(hydraErrorCodes.map((code) => `CROSSCHECK_CONFIG_${code}`));
  expect(codes.filter((code) => !ofHydra.has(code) && !sources.includes(`'${code}'`))).toEqual([]);
});
