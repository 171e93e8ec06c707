// pnpm tensorflow:selftest: TensorFlow.js's own core tests on our runtime, less those that tfjs-node itself leaves out.
// Takes a few seconds. Exit code 1 when more than the known failures fail.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import '../../src/open.ts';
import { build } from 'esbuild';

const require = createRequire(import.meta.url);
const tfjsNode = createRequire(require.resolve('@tensorflow/tfjs-node-gpu/package.json'));
const tfjs = createRequire(tfjsNode.resolve('@tensorflow/tfjs/package.json'));
const core = path.dirname(tfjs.resolve('@tensorflow/tfjs-core/package.json'));
const work = path.resolve(import.meta.dirname, '../../node_modules/.cache/core-suite');

/** `round` of an int32 tensor gives 0 where the test expects the number itself; seen with TensorFlow 2.18.1. */
const knownFailures = [/^round .*int32/];

/** The list that tfjs-node's own runner keeps, read from the installed package. */
function readIgnored(): string[] {
  const runner = readFileSync(tfjsNode.resolve('@tensorflow/tfjs-node-gpu/dist/run_tests.js'), 'utf8');
  const list = /IGNORE_LIST = \[([\s\S]*?)\n\];/.exec(runner)?.[1] ?? '';
  const ignored = [...list.matchAll(/^\s*'(.*)',?$/gm)].map(([, name]) => name ?? '');
  if (ignored.length < 50)
    throw new Error('the list of ignored tests was not found in tfjs-node-gpu/dist/run_tests.js');
  return ignored;
}

/** tfjs-core says that its tests have no side effects, hence `ignoreAnnotations`. It ships them as modules without file endings; a bundler reads them. The engine is shared through a global. */
async function bundleTests(): Promise<string> {
  mkdirSync(work, { recursive: true });
  const env = "{ name: 'test-tensorflow', backendName: 'tensorflow', flags: {}, isDataSync: true }";
  writeFileSync(
    path.join(work, 'environment.js'),
    `import { setTestEnvs } from '${core}/dist/jasmine_util';\nsetTestEnvs([${env}]);\n`,
  );
  const imports = ['dist/public/chained_ops/register_all_chained_ops', 'dist/register_all_gradients', 'dist/tests'];
  const entry = path.join(work, 'entry.js');
  writeFileSync(
    entry,
    ['./environment.js', ...imports.map((file) => `${core}/${file}`)].map((file) => `import '${file}';\n`).join(''),
  );
  const outfile = path.join(work, 'tests.cjs');
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    logLevel: 'error',
    ignoreAnnotations: true,
  });
  return outfile;
}

interface Spec {
  fullName: string;
  status: string;
  failedExpectations: { message: string }[];
}

async function runTests(file: string, ignored: readonly string[]): Promise<Spec[]> {
  const jasmine = (
    require('jasmine-core') as { boot(): { getEnv(): JasmineEnv; DEFAULT_TIMEOUT_INTERVAL: number } }
  ).boot();
  jasmine.DEFAULT_TIMEOUT_INTERVAL = 30_000;
  const env = jasmine.getEnv();
  const specs: Spec[] = [];
  env.configure({ random: false, specFilter: (spec) => !ignored.some((name) => spec.getFullName().includes(name)) });
  env.addReporter({ specDone: (spec) => void specs.push(spec) });
  require('@tensorflow/tfjs-node-gpu');
  require(file);
  await env.execute();
  return specs;
}

interface JasmineEnv {
  configure(options: { random: boolean; specFilter(spec: { getFullName(): string }): boolean }): void;
  addReporter(reporter: { specDone(spec: Spec): void }): void;
  execute(): Promise<unknown>;
}

const specs = await runTests(await bundleTests(), readIgnored());
const failed = specs.filter(({ status }) => status === 'failed');
const unexpected = failed.filter(({ fullName }) => !knownFailures.some((known) => known.test(fullName)));
for (const { fullName, failedExpectations } of failed) {
  process.stdout.write(`FAILED ${fullName}\n       ${failedExpectations[0]?.message.split('\n')[0]}\n`);
}
const passed = specs.filter(({ status }) => status === 'passed').length;
process.stdout.write(`${passed} passed, ${failed.length} failed (${failed.length - unexpected.length} known)\n`);
process.exit(unexpected.length === 0 ? 0 : 1);
