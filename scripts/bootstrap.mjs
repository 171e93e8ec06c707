// The two commands of the README, on a machine that has Node ≥ 20, npm, Python 3 with pip, and g++, and nothing else:
//   npm run demo   installs, fetches TensorFlow, trains on the demo posts, exports, judges
//   npm test       installs, fetches TensorFlow, checks, runs every test
// Plain JavaScript without dependencies, because it runs before anything is installed.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { fetchPnpm, readPackageManager } from './fetch-pnpm.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const bin = path.join(root, 'node_modules', '.bin');
// What npm set for its own run must not reach pnpm, which reads the same variables.
const env = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) => !/^npm_(?!config_(registry|cache|cafile|proxy|https_proxy))/i.test(name),
  ),
);
env.npm_config_update_notifier = 'false';
env.PATH = [bin, process.env.PATH].join(path.delimiter);

function say(text) {
  process.stdout.write(`\n== ${text}\n`);
}

function stop(text) {
  process.stderr.write(`\ncrosscheck: ${text}\n`);
  process.exit(1);
}

/** Runs a program to its end and returns its exit status. */
function attempt(command, args, variables = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', env: { ...env, ...variables } });
  if (error) stop(`could not start ${command}: ${error.message}`);
  return status ?? 1;
}

/** The same for programs without which nothing else makes sense. */
function run(command, args) {
  const status = attempt(command, args);
  if (status !== 0) process.exit(status);
}

function answers(command, args) {
  return spawnSync(command, args, { env, stdio: 'ignore' }).status === 0;
}

/** One message for everything that is missing, before the first download. */
function checkMachine() {
  const compiler = process.env.CXX || (process.platform === 'darwin' ? 'clang++' : 'g++');
  const needs = [
    { name: `Node 20 or newer (this is ${process.version})`, met: Number(process.versions.node.split('.')[0]) >= 20 },
    { name: 'npm', met: answers('npm', ['--version']) },
    { name: 'Python 3 (python3)', met: answers('python3', ['--version']) },
    {
      name: "Python 3's pip and venv (python3 -m pip, python3 -m venv)",
      met: answers('python3', ['-c', 'import pip, venv, ensurepip']),
    },
    { name: `a C++ compiler (${compiler})`, met: answers(compiler, ['--version']) },
  ];
  const missing = needs.filter(({ met }) => !met).map(({ name }) => `  - ${name}`);
  if (missing.length === 0) return;
  stop(
    `these are needed and were not found:\n${missing.join('\n')}\n` +
      'On Debian or Ubuntu: apt-get install nodejs npm python3 python3-pip python3-venv g++. On macOS: xcode-select --install, and Node from nodejs.org.\n' +
      'Everything else (pnpm, Node 24, libtensorflow, Python tools for the tests) is fetched by this command.',
  );
}

/** The pinned pnpm, fetched by npm into the repository's own cache folder, with its hash checked. */
function findPnpm() {
  const { version } = readPackageManager();
  const folder = path.join(root, 'node_modules', '.cache', `pnpm-${version}`);
  const script = path.join(folder, 'node_modules', 'pnpm', 'bin', 'pnpm.cjs');
  if (!existsSync(script)) {
    say(`fetching pnpm ${version}`);
    mkdirSync(folder, { recursive: true });
    try {
      fetchPnpm(['--prefix', folder], { env });
    } catch (error) {
      stop(error.message);
    }
  }
  return script;
}

/** Changes when anything that decides the contents of node_modules changes. */
function lockDigest() {
  const manifests = readdirSync(path.join(root, 'packages')).map((name) => `packages/${name}/package.json`);
  const hash = createHash('sha256');
  for (const file of ['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml', ...manifests]) {
    const full = path.join(root, file);
    if (existsSync(full)) hash.update(readFileSync(full));
  }
  return hash.digest('hex');
}

function installDependencies() {
  const stamp = path.join(root, 'node_modules', '.cache', 'crosscheck-install');
  const digest = lockDigest();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return;
  const pnpm = findPnpm();
  say('installing dependencies');
  run(process.execPath, [pnpm, 'install', '--frozen-lockfile']);
  mkdirSync(path.dirname(stamp), { recursive: true });
  writeFileSync(stamp, digest);
}

function setup() {
  checkMachine();
  installDependencies();
  say('TensorFlow runtime');
  run(path.join(bin, 'node'), ['--conditions=@crosscheck/source', 'packages/tensorflow/src/bin/setup.ts']);
}

const node = (script, ...args) => run(path.join(bin, 'node'), ['--conditions=@crosscheck/source', script, ...args]);

const commands = {
  setup,
  demo(args) {
    setup();
    node('scripts/demo.ts', ...args);
  },
  test(args) {
    setup();
    say('format, lint, types, dependencies, layers');
    const checked = attempt(path.join(bin, 'node'), ['scripts/check.mjs']);
    say('tests');
    process.exitCode = checked || runTests(args);
  },
};

/**
 * A test that fails has failed. A test file whose *process* was ended by a signal while everything else passed is run once more by itself, and
 * this says so: Node ends that way now and then while threads with WebAssembly come and go (nodejs/node#64500), and nothing of ours was found.
 */
function runTests(args) {
  const folder = mkdtempSync(path.join(tmpdir(), 'crosscheck-tests-'));
  const file = path.join(folder, 'counts.json');
  const run = (files, earlier) => {
    rmSync(file, { force: true });
    return attempt(path.join(bin, 'vitest'), ['run', ...files], {
      CROSSCHECK_TESTS_COUNTS: file,
      CROSSCHECK_TESTS_EARLIER: JSON.stringify(earlier),
    });
  };
  try {
    const code = run(args, {});
    const { ended = [], ...counts } = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
    if (code === 0 || counts.failed > 0 || ended.length === 0) return code;
    say(`the process of ${ended.join(', ')} was ended by a signal: once more, by itself`);
    return run(ended, counts);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const [, , command = 'setup', ...args] = process.argv;
if (!(command in commands)) stop(`unknown command "${command}"; known: ${Object.keys(commands).join(', ')}`);
commands[command](args);
