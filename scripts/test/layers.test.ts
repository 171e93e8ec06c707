import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { repositoryRoot, temporaryFolder } from '@crosscheck/testkit';
import { afterAll, expect, test } from 'vitest';
import { findCycles, packageOf, readImports } from '../layers/imports.mjs';

const { dir, remove } = temporaryFolder();
afterAll(remove);

const files: Record<string, string> = {
  'a.ts': "import { b } from './b.ts';\nimport path from 'node:path';\n// import './never.ts'\nexport const a = b;\n",
  'b.ts': "import type {\n  A,\n} from './c.ts';\nimport { z } from '@scope/name/deep';\n",
  'c.ts': "export * from './a.ts';\nconst later = () => import('./d.ts');\n",
  'd.ts': "import './e.ts';\n",
  'e.ts': 'export {};\n',
};
mkdirSync(path.join(dir, 'src'));
for (const [name, text] of Object.entries(files)) writeFileSync(path.join(dir, 'src', name), text);

test('imports are read as written: static, type-only, re-exported, dynamic and bare ones', () => {
  expect(Object.fromEntries(readImports(dir, 'src'))).toEqual({
    'src/a.ts': ['src/b.ts', 'node:path'],
    'src/b.ts': ['src/c.ts', '@scope/name'],
    'src/c.ts': ['src/a.ts', 'src/d.ts'],
    'src/d.ts': ['src/e.ts'],
    'src/e.ts': [],
  });
  expect(['zod', '@a/b/c', 'x/y', 'node:fs'].map(packageOf)).toEqual(['zod', '@a/b', 'x', 'node:fs']);
});

test('files that reach each other are found, types included', () => {
  expect(findCycles(readImports(dir, 'src'))).toEqual([['src/a.ts', 'src/b.ts', 'src/c.ts']]);
});

test('what comes along with a package is seen', () => {
  const args = ['--conditions=@crosscheck/source', 'scripts/layers/loaded.mjs', 'packages/hydra/src/index.ts'];
  const loaded = JSON.parse(execFileSync(process.execPath, args, { cwd: repositoryRoot, encoding: 'utf8' }));
  expect(loaded.filter((name: string) => !name.startsWith('node:'))).toEqual(['yaml']);
});
