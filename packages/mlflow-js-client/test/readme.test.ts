import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import * as library from 'mlflow-js-client';
import { expect, test } from 'vitest';
import { createTestFolder } from './support/temporary-folder.ts';

const packageRoot = join(import.meta.dirname, '..');
const readme = readFileSync(join(packageRoot, 'README.md'), 'utf8');

test('the example of the README runs as it stands', async () => {
  const folder = createTestFolder();
  const example = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';
  const program = example.replace('\n\n', `\nprocess.chdir(${JSON.stringify(folder)});\n`);
  const flags = ['--conditions=@crosscheck/source', '--disable-warning=ExperimentalWarning', '--input-type=module'];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, '-e', program], { cwd: packageRoot });
  expect(stdout).toMatch(/^[0-9a-f]{32} has arrived\n$/);
  const database = new DatabaseSync(join(folder, 'mlflow.db'));
  expect(database.prepare('SELECT status FROM runs').get()).toMatchObject({ status: 'FINISHED' });
  expect(database.prepare('SELECT count(*) AS n FROM metrics').get()).toMatchObject({ n: 6 });
  database.close();
});

test('every function and class that the README names is exported', () => {
  const table = readme.slice(readme.indexOf('## What is here'), readme.indexOf('### Where runs go'));
  const names = [...table.matchAll(/^\| (.*?) \|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`(\w+)/g)].map((match) => match[1] ?? ''),
  );
  expect(names.length).toBeGreaterThan(8);
  for (const name of names.filter((name) => name !== 'TrackingStore')) expect(library).toHaveProperty(name);
});

test('every code of its own that the client throws stands in the README', () => {
  const thrown = [
    'errors.ts',
    'rest/transport.ts',
    'stores/sqlite/database.ts',
    'stores/open.ts',
    'rest/experiments.ts',
  ]
    .flatMap((file) => [...readFileSync(join(packageRoot, 'src', file), 'utf8').matchAll(/MlflowError\('([A-Z_]+)'/g)])
    .map((match) => match[1] ?? '')
    .filter((code) => code !== 'INTERNAL_ERROR');
  expect(thrown.length).toBeGreaterThan(5);
  for (const code of thrown) expect(readme).toContain(`\`${code}\``);
});
