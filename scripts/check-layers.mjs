// Compares every package's dependencies with the table of docs/architecture.md, and looks for TensorFlow in the service.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const readJson = (file) => JSON.parse(readFileSync(path.join(root, file), 'utf8'));

/** The rows `| package | what | may import | … |` of the table under "Layers". */
function readLayerTable() {
  const text = readFileSync(path.join(root, 'docs/architecture.md'), 'utf8');
  const section = text.split(/^## Layers$/m)[1]?.split(/^## /m)[0] ?? '';
  const rows = [...section.matchAll(/^\| `([\w-]+)` \|[^|]*\|([^|]*)\|/gm)];
  return new Map(rows.map(([, name, allowed]) => [name, [...allowed.matchAll(/`([\w-]+)`/g)].map((m) => m[1])]));
}

const shortName = (name) => name.replace('@crosscheck/', '');
const packages = readdirSync(path.join(root, 'packages')).filter((name) =>
  existsSync(path.join(root, 'packages', name, 'package.json')),
);
const manifests = new Map(packages.map((name) => [name, readJson(`packages/${name}/package.json`)]));
const isOurs = (name) =>
  manifests.has(shortName(name)) && (name.startsWith('@crosscheck/') || name === 'mlflow-js-client');
const imports = (name) =>
  Object.keys(manifests.get(name).dependencies ?? {})
    .filter(isOurs)
    .map(shortName);

const problems = [];
const table = readLayerTable();
for (const name of packages) {
  const allowed = table.get(name);
  if (!allowed) {
    problems.push(`${name} has no row in the table of docs/architecture.md`);
    continue;
  }
  for (const other of imports(name).filter((other) => !allowed.includes(other))) {
    problems.push(
      `${name} must not depend on ${other}: docs/architecture.md allows ${allowed.join(', ') || 'nothing of ours'}`,
    );
  }
}
for (const name of table.keys())
  if (!manifests.has(name)) problems.push(`docs/architecture.md lists ${name}, which does not exist`);

/** Everything that a package pulls into production, walked through the installed node_modules. */
function productionClosure(name, seen = new Set()) {
  for (const dependency of Object.keys(manifests.get(name).dependencies ?? {})) {
    if (seen.has(dependency)) continue;
    seen.add(dependency);
    if (isOurs(dependency)) productionClosure(shortName(dependency), seen);
  }
  return seen;
}

for (const name of ['server', 'inference']) {
  const forbidden = [...productionClosure(name)].filter((dep) =>
    /tensorflow|^vega|^@huggingface\/transformers$/.test(dep),
  );
  if (forbidden.length > 0)
    problems.push(`${name} must stay free of training code, but pulls in ${forbidden.join(', ')}`);
}

for (const problem of problems) console.error(problem);
if (problems.length === 0) console.log(`${packages.length} packages keep to their layers`);
process.exitCode = problems.length === 0 ? 0 : 1;
