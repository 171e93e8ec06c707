// Holds docs/architecture.md against what is there: which package imports which, what comes along when one is loaded, files that import each
// other, and rooms with too many files.
import { execFile } from 'node:child_process';
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { findCycles, readImports } from './layers/imports.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const readJson = (file) => JSON.parse(readFileSync(path.join(root, file), 'utf8'));
const mostFiles = 15;

const packages = readdirSync(path.join(root, 'packages')).filter((name) =>
  existsSync(path.join(root, 'packages', name, 'package.json')),
);
const manifests = new Map(packages.map((name) => [name, readJson(`packages/${name}/package.json`)]));
const shortName = (name) => name.replace('@crosscheck/', '');
const isOurs = (name) =>
  manifests.has(shortName(name)) && (name.startsWith('@crosscheck/') || name === 'mlflow-js-client');

/** The rows `| package | what | may import | must not load |` of the table under "Layers". */
function readLayerTable() {
  const text = readFileSync(path.join(root, 'docs/architecture.md'), 'utf8');
  const section = text.split(/^## Layers$/m)[1]?.split(/^## /m)[0] ?? '';
  const rows = [...section.matchAll(/^\| `([\w-]+)` \|[^|]*\|([^|]*)\|([^|]*)\|$/gm)];
  return new Map(
    rows.map(([, name, allowed, unloaded]) => [name, { allowed: namesIn(allowed), ...loadRule(unloaded) }]),
  );
}

const namesIn = (cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name);

/** `anything but …`: nothing else comes along. Names alone: those and what begins with `name/` do not. */
function loadRule(cell) {
  const names = namesIn(cell);
  return cell.trim().startsWith('anything') ? { only: names } : { never: names };
}

const table = readLayerTable();
const imports = new Map(packages.flatMap((name) => [...readImports(root, `packages/${name}/src`)]));
const packageOfFile = (file) => file.split(path.sep)[1];

function* problemsOfTable() {
  for (const name of packages) if (!table.has(name)) yield `${name} has no row in the table of docs/architecture.md`;
  for (const name of table.keys())
    if (!manifests.has(name)) yield `docs/architecture.md lists ${name}, which does not exist`;
}

function* problemsOfDependencies() {
  for (const [name, { dependencies = {} }] of manifests)
    for (const other of Object.keys(dependencies).filter(isOurs).map(shortName))
      if (!mayImport(name, other)) yield `packages/${name}/package.json must not list ${other}: ${allowedText(name)}`;
}

function* problemsOfImports() {
  for (const [file, targets] of imports)
    for (const target of targets) {
      const name = packageOfFile(file);
      const other = target.startsWith('packages/') ? packageOfFile(target) : isOurs(target) ? shortName(target) : name;
      if (other !== name && target.startsWith('packages/')) yield `${file} reaches into ${target}; import its package`;
      else if (!mayImport(name, other)) yield `${file} must not import ${other}: ${allowedText(name)}`;
    }
}

const mayImport = (name, other) => name === other || (table.get(name)?.allowed.includes(other) ?? true);
const allowedText = (name) =>
  `docs/architecture.md allows ${name} ${table.get(name)?.allowed.join(', ') || 'nothing of ours'}`;

function* problemsOfCycles() {
  for (const cycle of findCycles(imports)) yield `files import each other: ${cycle.join(', ')}`;
}

function* problemsOfRooms() {
  const files = globSync('packages/*/src/**/*.ts', { cwd: root });
  for (const [room, members] of Map.groupBy(files, (file) => path.dirname(file)))
    if (members.length > mostFiles) yield `${room} has ${members.length} files; a room has at most ${mostFiles}`;
}

/** What a program pulls into production, walked through the manifests; `demo` and `trainer` are no part of a service. */
function* problemsOfService() {
  for (const name of ['server', 'inference', 'scoring'])
    for (const dependency of productionClosure(name))
      if (/tensorflow|^vega|^@huggingface\/transformers$/.test(dependency))
        yield `${name} must stay free of training code, but pulls in ${dependency}`;
}

function productionClosure(name, seen = new Set()) {
  for (const dependency of Object.keys(manifests.get(name).dependencies ?? {})) {
    if (seen.has(dependency)) continue;
    seen.add(dependency);
    if (isOurs(dependency)) productionClosure(shortName(dependency), seen);
  }
  return seen;
}

/** Loads the entry in a process of its own. */
async function loadedWith(name) {
  const flags = ['--conditions=@crosscheck/source', '--disable-warning=ExperimentalWarning'];
  const args = [...flags, path.join(root, 'scripts/layers/loaded.mjs'), `packages/${name}/src/index.ts`];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root });
  return JSON.parse(stdout);
}

async function problemsOfLoading() {
  const waiting = packages.filter(
    (name) => table.has(name) && existsSync(path.join(root, `packages/${name}/src/index.ts`)),
  );
  const problems = [];
  const lane = async () => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift())
      problems.push(...problemsOfEntry(name, await loadedWith(name)));
  };
  await Promise.all(Array.from({ length: availableParallelism() }, lane));
  return problems;
}

function problemsOfEntry(name, loaded) {
  const { only, never } = table.get(name);
  const begins = (found, names) => names.some((wanted) => found === wanted || found.startsWith(`${wanted}/`));
  const wrong = loaded.filter((found) =>
    only ? !found.startsWith('node:') && !begins(found, only) : begins(found, never),
  );
  return wrong.map((found) => `loading ${name} brings ${found} along, which docs/architecture.md rules out`);
}

const problems = [
  ...problemsOfTable(),
  ...problemsOfDependencies(),
  ...problemsOfImports(),
  ...problemsOfCycles(),
  ...problemsOfRooms(),
  ...problemsOfService(),
  ...(await problemsOfLoading()),
];
for (const problem of problems) console.error(problem);
if (problems.length === 0) console.log(`${packages.length} packages, ${imports.size} files keep to their layers`);
process.exitCode = problems.length === 0 ? 0 : 1;
