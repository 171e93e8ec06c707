// Compares what is shipped, by pnpm-lock.yaml, with the advisories in advisories.json, and fails on a high or critical one. `pnpm check` runs it; no network.
//
//   node scripts/advisories.mjs --refresh      first asks the registry (`pnpm audit`) and adds what it knows to advisories.json; CI does so
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import semver from 'semver';
import { readProduction } from '../deploy/sbom/lockfile.ts';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const file = path.join(root, 'scripts/advisories.json');
const grave = ['high', 'critical'];

/** The advisories that hold for some of these packages. */
export function findAdvisories(packages, advisories) {
  return packages.flatMap(({ name, version }) =>
    advisories
      .filter(({ package: of, vulnerable }) => of === name && semver.satisfies(version, vulnerable))
      .map((advisory) => ({ ...advisory, version })),
  );
}

/** Adds what `pnpm audit --json` found to what is known; an id that is known already takes the registry's word. */
export function mergeAudit(known, audit) {
  if (!audit.advisories)
    throw new Error(`pnpm audit gave no advisories: ${audit.error?.message ?? 'an unknown answer'}`);
  const found = Object.values(audit.advisories).map((one) => ({
    id: one.github_advisory_id,
    package: one.module_name,
    vulnerable: one.vulnerable_versions,
    severity: one.severity,
    title: one.title,
  }));
  const keyOf = ({ id, package: name, vulnerable }) => `${name} ${id} ${vulnerable}`;
  const merged = new Map([...known, ...found].map((one) => [keyOf(one), one]));
  return [...merged.values()].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

function refresh() {
  const { stdout, error } = spawnSync('pnpm', ['audit', '--prod', '--json'], { cwd: root, encoding: 'utf8' });
  if (error) throw error;
  const merged = mergeAudit(JSON.parse(readFileSync(file, 'utf8')), JSON.parse(stdout));
  writeFileSync(file, `${JSON.stringify(merged, null, 2)}\n`);
}

/** Everything that the images of training and of the service hold: tests have testkit to themselves. */
function shipped() {
  // A package that is gone can leave its node_modules behind.
  const isPackage = (name) => existsSync(path.join(root, 'packages', name, 'package.json'));
  const folders = readdirSync(path.join(root, 'packages')).filter((name) => name !== 'testkit' && isPackage(name));
  const image = { os: 'linux', cpu: 'x64', libc: 'glibc' };
  return readProduction(
    root,
    folders.map((name) => `packages/${name}`),
    image,
  ).filter(({ isOurs }) => !isOurs);
}

function main() {
  if (process.argv.includes('--refresh')) refresh();
  const packages = shipped();
  const found = findAdvisories(packages, JSON.parse(readFileSync(file, 'utf8')));
  for (const { id, package: name, version, vulnerable, severity, title } of found)
    console.log(`${severity} ${name} ${version} (${vulnerable}) ${id}: ${title}. pnpm why -r ${name}`);
  const isBad = found.some(({ severity }) => grave.includes(severity));
  console.log(`${packages.length} packages are shipped; known advisories for them: ${found.length}`);
  process.exitCode = isBad ? 1 : 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    main();
  } catch (error) {
    console.error(`advisories: ${error.message}`);
    process.exitCode = 1;
  }
}
