import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { repositoryRoot, startPythonServer, temporaryFolder } from '@crosscheck/testkit';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { type Advisory, findAdvisories, mergeAudit } from '../advisories.mjs';
import { fetchPnpm, readPackageManager } from '../fetch-pnpm.mjs';

const folder = temporaryFolder();
afterAll(() => folder.remove());

describe('what is fetched to build, run and ship this is named by its content:', () => {
  test('actions of the workflow, by commit', () => {
    const used = readFileSync(`${repositoryRoot}/.github/workflows/ci.yaml`, 'utf8').match(/uses: .*/g) ?? [];
    expect(used.length).toBeGreaterThan(5);
    for (const action of used) expect(action).toMatch(/^uses: [\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  test.each(readdirSync(repositoryRoot).filter((name) => name.startsWith('Dockerfile-')))(
    'base images of %s',
    (name) => {
      const text = readFileSync(`${repositoryRoot}/${name}`, 'utf8');
      const known = new Map([...text.matchAll(/^ARG (\w+)=(.*)$/gm)].map(([, arg = '', value = '']) => [arg, value]));
      const stages = new Set([...text.matchAll(/^FROM \S+ AS (\S+)$/gm)].map(([, stage]) => stage));
      const bases = [...text.matchAll(/^FROM (\S+)/gm)].map(([, base = '']) => base);
      const outside = bases.filter((base) => !stages.has(base));
      expect(outside.length).toBeGreaterThan(0);
      for (const base of outside)
        expect(base.replace(/^\$\{(\w+)\}$/, (_, arg: string) => known.get(arg) ?? '')).toMatch(
          /:[\w-]+@sha256:[0-9a-f]{64}$/,
        );
    },
  );

  test('packages, by the lockfile', () => {
    const lockfile = parse(readFileSync(`${repositoryRoot}/pnpm-lock.yaml`, 'utf8')) as {
      packages: Record<string, { resolution: { integrity?: string } }>;
    };
    const unknown = Object.entries(lockfile.packages).filter(([, { resolution }]) => !resolution.integrity);
    expect(unknown).toEqual([]);
  });

  test('pnpm, by packageManager', () => {
    expect(readPackageManager()).toMatchObject({ name: 'pnpm', sha512: expect.stringMatching(/^[0-9a-f]{128}$/) });
    for (const text of ['pnpm@10.0.0', 'pnpm@10.0.0+sha512.abc', 'npm@11.0.0', undefined])
      expect(() => readPackageManager(text ?? '')).toThrow('packageManager must be');
  });
});

test('a tarball with another hash is not installed', async () => {
  const { url, stop } = await startPythonServer(folder.dir);
  onTestFinished(stop);
  // What a registry has: a document about the package, and its tarball.
  const source = `${folder.dir}/source`;
  mkdirSync(source);
  writeFileSync(`${source}/package.json`, JSON.stringify({ name: 'tiny-manager', version: '1.0.0' }));
  const env = { ...process.env, npm_config_registry: url, npm_config_cache: `${folder.dir}/cache` };
  execFileSync('npm', ['pack', '--silent', '--pack-destination', folder.dir], { cwd: source, env });
  const bytes = readFileSync(`${folder.dir}/tiny-manager-1.0.0.tgz`);
  const dist = {
    tarball: `${url}/tiny-manager-1.0.0.tgz`,
    integrity: `sha512-${createHash('sha512').update(bytes).digest('base64')}`,
  };
  const versions = { '1.0.0': { name: 'tiny-manager', version: '1.0.0', dist } };
  writeFileSync(
    `${folder.dir}/tiny-manager`,
    JSON.stringify({ name: 'tiny-manager', 'dist-tags': { latest: '1.0.0' }, versions }),
  );

  const sha512 = createHash('sha512').update(bytes).digest('hex');
  const install = (hash: string, where: string) =>
    fetchPnpm(['--prefix', where], { packageManager: { name: 'tiny-manager', version: '1.0.0', sha512: hash }, env });
  expect(() => install('0'.repeat(128), `${folder.dir}/refused`)).toThrow(
    /must have the sha512 0+ .* got [0-9a-f]{128}/,
  );
  expect(existsSync(`${folder.dir}/refused`)).toBe(false);
  mkdirSync(`${folder.dir}/taken`);
  install(sha512, `${folder.dir}/taken`);
  expect(existsSync(`${folder.dir}/taken/node_modules/tiny-manager/package.json`)).toBe(true);
});

describe('advisories', () => {
  const advisories = JSON.parse(readFileSync(`${repositoryRoot}/scripts/advisories.json`, 'utf8')) as Advisory[];

  test('are found by name and version', () => {
    const found = findAdvisories(
      [
        { name: 'tar', version: '6.2.1' },
        { name: 'tar', version: '7.5.23' },
        { name: 'tarry', version: '1.0.0' },
      ],
      advisories,
    );
    expect(new Set(found.map(({ version }) => version))).toEqual(new Set(['6.2.1']));
    expect(found.map(({ id }) => id)).toContain('GHSA-8qq5-rm4j-mr97');
  });

  test('of an audit are added, and what is known stays', () => {
    const one = {
      github_advisory_id: 'GHSA-aaaa-bbbb-cccc',
      module_name: 'left',
      vulnerable_versions: '<2.0.0',
      severity: 'high',
      title: 'x',
    };
    const merged = mergeAudit(advisories, { advisories: { 7: one } });
    expect(merged).toHaveLength(advisories.length + 1);
    expect(mergeAudit(merged, { advisories: { 7: one } })).toEqual(merged);
    expect(findAdvisories([{ name: 'left', version: '1.9.0' }], merged)).toMatchObject([{ id: 'GHSA-aaaa-bbbb-cccc' }]);
    expect(() => mergeAudit(advisories, { error: { message: '405' } })).toThrow('405');
  });
});
