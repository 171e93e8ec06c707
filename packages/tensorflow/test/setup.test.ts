import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { runEntry, temporaryFolder } from '@crosscheck/testkit';
import { afterEach, expect, test } from 'vitest';

const folder = temporaryFolder();
afterEach(() => folder.remove());
const entry = 'packages/tensorflow/src/bin/setup.ts';

test('does nothing when the runtime is there', async () => {
  const { code, stdout } = await runEntry(entry, ['--flavor', 'cpu']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^tensorflow: 2\.18\.1 \(cpu build, computes on the CPU\) is ready in .+\n$/);
});

test('names everything that is missing on a machine without Python and compiler', async () => {
  const env = { CROSSCHECK_CACHE: folder.dir, PATH: folder.dir };
  const { code, stderr } = await runEntry(entry, ['--flavor', 'cpu'], { env });
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /CROSSCHECK_TENSORFLOW_PREREQUISITES: .*Python 3 and Python 3's pip and a C\+\+ compiler \(g\+\+\)/,
  );
});

test('refuses a wheel that does not exist', async () => {
  const env = { CROSSCHECK_CACHE: folder.dir, CROSSCHECK_TENSORFLOW_WHEEL: path.join(folder.dir, 'none.whl') };
  const { code, stderr } = await runEntry(entry, ['--flavor', 'cpu'], { env });
  expect(code).toBe(1);
  expect(stderr).toMatch(/CROSSCHECK_TENSORFLOW_DOWNLOAD: .*none\.whl does not exist/);
});

test('refuses a file that is no TensorFlow wheel and leaves nothing behind', async () => {
  mkdirSync(folder.dir, { recursive: true });
  const wheel = path.join(folder.dir, 'notes.whl');
  writeFileSync(wheel, 'not a zip archive');
  const env = { CROSSCHECK_CACHE: path.join(folder.dir, 'cache'), CROSSCHECK_TENSORFLOW_WHEEL: wheel };
  const { code, stderr } = await runEntry(entry, ['--flavor', 'cpu'], { env });
  expect(code).toBe(1);
  expect(stderr).toMatch(/CROSSCHECK_TENSORFLOW_NOT_A_WHEEL: notes\.whl must be a TensorFlow wheel/);
});

test('a process without an installed runtime is told how to install it', async () => {
  const env = { CROSSCHECK_CACHE: folder.dir };
  const { code, stderr } = await runEntry('packages/tensorflow/src/tfjs.ts', [], { env });
  expect(code).toBe(1);
  expect(stderr).toMatch(/libtensorflow \(cpu\) is not installed: looked in .*; run "pnpm tensorflow:setup"/);
});
