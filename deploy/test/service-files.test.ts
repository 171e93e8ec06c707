import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { fetchWhole, repositoryRoot, temporaryFolder } from '@crosscheck/testkit';
import { Spec, Validation } from '@cyclonedx/cyclonedx-library';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodePng, writeTinyArtifact } from '../../packages/exporter/test/tiny-artifact.ts';
import { readProduction } from '../sbom/lockfile.ts';
import { toCycloneDx } from '../sbom/to-cyclonedx.ts';
import { pnpm, productionPackages, run } from './tools.ts';

// What Dockerfile-serve puts into the image, put together by the same commands without a container engine.
const folder = temporaryFolder();
const app = path.join(folder.dir, 'app');
const packages = productionPackages('server', 'scoring');

beforeAll(async () => {
  run(`${repositoryRoot}/node_modules/.bin/tsc`, ['-b', 'packages/server', 'packages/scoring']);
  const manifests = [...packages, 'testkit'].map((name) => `packages/${name}/package.json`);
  for (const file of ['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml', '.npmrc', ...manifests])
    cpSync(path.join(repositoryRoot, file), path.join(app, file));
  const filters = ['--filter-prod', '@crosscheck/server...', '--filter-prod', '@crosscheck/scoring...'];
  pnpm(['install', '--prod', '--frozen-lockfile', '--prefer-offline', ...filters], app);
  run(process.execPath, [`${repositoryRoot}/deploy/images/prune.mjs`, `${app}/node_modules`]);
  for (const name of packages)
    cpSync(`${repositoryRoot}/packages/${name}/dist`, `${app}/packages/${name}/dist`, { recursive: true });
  cpSync(`${repositoryRoot}/packages/server/page`, `${app}/packages/server/page`, { recursive: true });
  cpSync(`${repositoryRoot}/configs`, `${app}/configs`, { recursive: true });
  mkdirSync(path.join(folder.dir, 'model'));
  await writeTinyArtifact(path.join(folder.dir, 'model'), { threshold: 0.5 });
}, 300_000);
afterAll(() => folder.remove());

/** Every file below a folder, once: links are not followed. */
const filesOf = (dir: string): string[] =>
  readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const file = path.join(dir, entry.name);
    return entry.isDirectory() ? filesOf(file) : entry.isFile() ? [file] : [];
  });

test('the copied packages are those that the service needs, in the image and here', () => {
  const text = readFileSync(`${repositoryRoot}/Dockerfile-serve`, 'utf8');
  const copied = (pattern: RegExp) => [...text.matchAll(pattern)].map(([, name]) => name).toSorted();
  expect(copied(/^COPY packages\/([\w-]+) packages\/\1$/gm)).toEqual(packages);
  expect(copied(/^COPY packages\/([\w-]+)\/package.json packages\/\1\/$/gm)).toEqual(
    [...packages, 'testkit'].toSorted(),
  );
});

test('nothing of training and no other platform comes along', () => {
  const modules = readdirSync(`${app}/node_modules/.pnpm`);
  expect(modules.filter((name) => /tensorflow|vega|transformers|typescript|vitest/.test(name))).toEqual([]);
  const libraries = filesOf(app).filter((file) => /\.(so|node|dll|dylib)(\.\d+)*$/.test(file));
  expect(libraries.length).toBeGreaterThan(3);
  const here = new RegExp(`${process.platform}[-/]${process.arch}`);
  expect(libraries.filter((file) => !here.test(file))).toEqual([]);
  expect(
    filesOf(`${app}/node_modules`).filter((file) => /\.(d\.[cm]?ts|map|md)$/.test(file) && !/licen[cs]e/i.test(file)),
  ).toEqual([]);
});

test('the bill of materials lists what is in it, and is valid CycloneDX', async () => {
  const image = { os: process.platform, cpu: process.arch, libc: 'glibc' };
  const locked = readProduction(repositoryRoot, ['packages/server', 'packages/scoring'], image);
  const isRun = (name: string) => !/^(@types\/|undici-types@)/.test(name);
  const listed = locked.filter(({ isOurs, id }) => !isOurs && isRun(id)).map(({ id }) => id);
  const stored = readdirSync(`${app}/node_modules/.pnpm`, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== 'node_modules')
    .map(({ name }) => name.replace(/_.*/, '').replace(/^(@[^+]+)\+/, '$1/'));
  expect(new Set(listed)).toEqual(new Set(stored.filter(isRun)));
  const bill = toCycloneDx(repositoryRoot, locked);
  expect(await new Validation.JsonStrictValidator(Spec.Version.v1dot6).validate(bill)).toBeNull();
  const broken = bill.replace('"type": "library"', '"type": "librarian"');
  expect(await new Validation.JsonStrictValidator(Spec.Version.v1dot6).validate(broken)).not.toBeNull();
  const { components } = JSON.parse(bill) as { components: { name: string; licenses?: unknown; hashes?: unknown }[] };
  expect(components.filter(({ licenses }) => licenses === undefined)).toEqual([]);
  expect(components.filter(({ hashes }) => hashes === undefined)).toHaveLength(packages.length);
});

test('it is at most 90 MB, so that the image stays under 250 MB', () => {
  const bytes = filesOf(app).reduce((sum, file) => sum + statSync(file).size, 0);
  expect(bytes / 1e6).toBeLessThan(90);
});

test('it starts there and answers', async () => {
  const args = [
    'packages/server/dist/bin/serve.js',
    `serve.artifact=${folder.dir}/model`,
    'serve.port=0',
    'serve.workers=1',
  ];
  const quiet = ['hydra.run.dir=/tmp', 'hydra.output_subdir=null', 'serve.host=127.0.0.1'];
  const service = spawn(process.execPath, [...args, ...quiet], {
    cwd: app,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: imageEnvironment(),
  });
  const ended = new Promise((resolve) => service.once('exit', resolve));
  let said = '';
  service.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  await expect.poll(() => said, { timeout: 60_000 }).toMatch(/answers at/);
  const [url] = /http:\/\/[\d.]+:\d+/.exec(said) as RegExpExecArray;
  const form = new FormData();
  form.set('text', 'a flood in the city');
  form.set('image', new Blob([new Uint8Array(encodePng(40, 30, (x, y) => [x, y, 90]))]), 'flood.png');
  const answer = await fetchWhole(`${url}/predict`, { method: 'POST', body: form });
  expect(await answer.json()).toMatchObject({ filename: 'flood.png', prediction: expect.stringMatching(/REAL|FAKE/) });
  expect((await fetchWhole(url)).status).toBe(200);
  service.kill('SIGTERM');
  expect(await ended).toBe(0);
  expect(readdirSync(app).toSorted()).toEqual([
    '.npmrc',
    'configs',
    'node_modules',
    'package.json',
    'packages',
    'pnpm-lock.yaml',
    'pnpm-workspace.yaml',
  ]);
});

test('the program that scores shards starts there', () => {
  expect(run(process.execPath, ['packages/scoring/dist/bin/score.js', '--help'], app)).toContain('score.workers');
});

/** The variables that the image sets, and none of the test runner's. */
function imageEnvironment(): NodeJS.ProcessEnv {
  const text = readFileSync(`${repositoryRoot}/Dockerfile-serve`, 'utf8');
  const [line = ''] = text.match(/^ENV NODE_ENV=.*$/m) ?? [];
  return Object.fromEntries([...line.matchAll(/(\w+)=(\S+)/g)].map(([, name, value]) => [name, value]));
}
