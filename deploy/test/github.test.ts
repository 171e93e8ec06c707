import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { repositoryRoot } from '@crosscheck/testkit';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

const github = `${repositoryRoot}/.github`;
const scripts = (
  JSON.parse(readFileSync(`${repositoryRoot}/package.json`, 'utf8')) as { scripts: Record<string, string> }
).scripts;

interface Step {
  uses?: string;
  run?: string;
  with?: Record<string, string>;
}

interface Workflow {
  permissions: unknown;
  jobs: Record<string, { 'timeout-minutes': number; steps: Step[]; strategy?: { matrix: { node: number[] } } }>;
}

const workflow = parse(readFileSync(`${github}/workflows/ci.yaml`, 'utf8')) as Workflow;
const steps = Object.values(workflow.jobs).flatMap((job) => job.steps);

describe('the workflow', () => {
  test('has no rights beyond reading, an end for every job, and Node 22 and 24', () => {
    expect(workflow.permissions).toEqual({ contents: 'read' });
    for (const job of Object.values(workflow.jobs)) expect(job['timeout-minutes']).toBeGreaterThan(0);
    expect(workflow.jobs['test']?.strategy?.matrix.node).toEqual([22, 24]);
  });

  test('runs only scripts that exist, from files that exist', () => {
    const named = steps.flatMap(({ run = '' }) =>
      [...run.matchAll(/\b(?:pnpm|npm run) ([\w:-]+)/g)].map(([, name]) => name as string),
    );
    expect(named.length).toBeGreaterThan(3);
    const pnpmOwn = ['install'];
    expect(named.filter((name) => !pnpmOwn.includes(name) && !(name in scripts))).toEqual([]);
    const files = steps.flatMap(({ with: inputs }) => inputs?.['file'] ?? inputs?.['node-version-file'] ?? []);
    for (const file of files) expect(existsSync(`${repositoryRoot}/${file}`)).toBe(true);
  });

  test('builds both images', () => {
    const built = steps.map(({ with: inputs }) => inputs?.['file']).filter((file) => file?.startsWith('Dockerfile-'));
    const existing = readdirSync(repositoryRoot).filter((name) => name.startsWith('Dockerfile-'));
    expect(new Set(built)).toEqual(new Set(existing));
  });
});

test('issue forms have what GitHub asks for', () => {
  for (const name of ['bug.yml', 'idea.yml']) {
    const form = parse(readFileSync(`${github}/ISSUE_TEMPLATE/${name}`, 'utf8'));
    expect(form).toMatchObject({ name: expect.any(String), description: expect.any(String), body: expect.any(Array) });
    for (const { type, id, attributes } of form.body) {
      expect(['textarea', 'input', 'dropdown', 'checkboxes', 'markdown']).toContain(type);
      expect(id).toMatch(/^[\w-]+$/);
      expect(attributes.label).toEqual(expect.any(String));
    }
  }
});

test('Renovate is told of packages that exist', () => {
  const renovate = JSON.parse(readFileSync(`${github}/renovate.json`, 'utf8')) as {
    packageRules: { matchPackageNames?: string[] }[];
  };
  const lock = readFileSync(`${repositoryRoot}/pnpm-lock.yaml`, 'utf8');
  const names = renovate.packageRules.flatMap(({ matchPackageNames }) => matchPackageNames ?? []);
  expect(names.length).toBeGreaterThan(3);
  for (const name of names) expect(lock).toMatch(new RegExp(`^ {2}'?${name.replace('/**', '/')}`, 'm'));
});
