import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { temporaryFolder } from '@crosscheck/testkit';
import { afterAll, expect, test } from 'vitest';
import { hydraErrorCodes } from '../src/index.ts';

const packageRoot = path.join(import.meta.dirname, '..');
const readme = readFileSync(path.join(packageRoot, 'README.md'), 'utf8');
const block = (language: string) => new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``).exec(readme)?.[1] ?? '';

const folder = temporaryFolder();
afterAll(folder.remove);

test('the example of the README prints what the README says', async () => {
  const program = block('ts').replace('\n\n', `\nprocess.chdir(${JSON.stringify(folder.dir)});\n`);
  const flags = ['--conditions=@crosscheck/source', '--disable-warning=ExperimentalWarning', '--input-type=module'];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, '-e', program], { cwd: packageRoot });
  expect(stdout).toBe(block('text'));
});

test('every error code stands in the README, and no other', () => {
  const listed = [...readme.matchAll(/^\| `([A-Z_]+)`/gm)].map(([, code]) => code);
  expect(listed).toEqual([...hydraErrorCodes]);
});

test('it depends on yaml alone', () => {
  const { dependencies } = JSON.parse(readFileSync(path.join(packageRoot, 'package.json'), 'utf8'));
  expect(Object.keys(dependencies)).toEqual(['yaml']);
});
