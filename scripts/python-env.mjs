#!/usr/bin/env node
// Makes a Python virtual environment once and prints the path of its interpreter.
//
//   node scripts/python-env.mjs hydra hydra-core==1.3.8
//
// The environment lives in ${XDG_CACHE_HOME:-~/.cache}/crosscheck/python/<name>-<hash of the requirements> (of a user without a home: in a
// temporary folder of its own), so a second call
// with the same requirements only prints. Calls that run at the same time wait for the first one. PYTHON chooses the base interpreter.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, lstatSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';

const basePython = process.env.PYTHON ?? 'python3';

function fail(message) {
  process.stderr.write(`python-env: ${message}\n`);
  process.exit(1);
}

function run(command, args) {
  const done = spawnSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  if (done.error)
    fail(`cannot start ${command}: ${done.error.message}; install Python 3.9 or newer with its venv module`);
  if (done.status !== 0) {
    throw new Error(
      `${command} ${args.join(' ')} ended with ${done.status ?? done.signal}\n${done.stdout}${done.stderr}`,
    );
  }
}

// The lock is held by a small Python process that ends with us: the kernel drops it even when this process is killed.
const holdLock = `
import fcntl, sys
lock = open(sys.argv[1], 'w')
fcntl.flock(lock, fcntl.LOCK_EX)
print('locked', flush=True)
sys.stdin.read()
`;

function lock(file) {
  return new Promise((resolve) => {
    const holder = spawn(basePython, ['-c', holdLock, file], { stdio: ['pipe', 'pipe', 'inherit'] });
    holder.on('error', (error) => fail(`cannot start ${basePython}: ${error.message}; install Python 3.9 or newer`));
    holder.stdout.once('data', () => resolve(() => holder.stdin.end()));
    holder.once('exit', (code) => code === 0 || fail(`could not lock ${file}`));
  });
}

function build(dir, requirements, marker) {
  rmSync(dir, { recursive: true, force: true });
  try {
    run(basePython, ['-m', 'venv', dir]);
    run(path.join(dir, 'bin/python'), [
      '-m',
      'pip',
      'install',
      '--quiet',
      '--disable-pip-version-check',
      ...requirements,
    ]);
  } catch (error) {
    rmSync(dir, { recursive: true, force: true });
    fail(`could not make ${dir}: ${error.message}`);
  }
  writeFileSync(marker, `${requirements.join('\n')}\n`);
}

/** The user's home where it can be used; null for a user without HOME and without an entry in passwd, as containers have them. */
function usableHome() {
  try {
    const home = homedir();
    accessSync(home, constants.W_OK | constants.X_OK);
    return home;
  } catch {
    return null;
  }
}

/** Others may write into the folder of temporary files, too: one that is not this user's alone is not trusted. */
function temporaryCache() {
  const wanted = path.join(tmpdir(), `crosscheck-${process.getuid?.() ?? 'user'}`);
  if (!existsSync(wanted)) mkdirSync(wanted, { mode: 0o700 });
  const found = lstatSync(wanted);
  const isOwn = found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o077) === 0;
  return isOwn ? wanted : mkdtempSync(`${wanted}-`);
}

function cacheFolder() {
  if (process.env.XDG_CACHE_HOME) return path.join(process.env.XDG_CACHE_HOME, 'crosscheck');
  const home = usableHome();
  return home === null ? temporaryCache() : path.join(home, '.cache/crosscheck');
}

const [name, ...requirements] = process.argv.slice(2);
if (!name || requirements.length === 0) fail('usage: python-env.mjs NAME REQUIREMENT…');
const cache = path.join(cacheFolder(), 'python');
const hash = createHash('sha256').update(requirements.join('\n')).digest('hex').slice(0, 8);
const dir = path.join(cache, `${name}-${hash}`);
const marker = path.join(dir, '.complete');

if (!existsSync(marker)) {
  mkdirSync(cache, { recursive: true });
  const unlock = await lock(`${dir}.lock`);
  if (!existsSync(marker)) build(dir, requirements, marker);
  unlock();
}
process.stdout.write(`${path.join(dir, 'bin/python')}\n`);
