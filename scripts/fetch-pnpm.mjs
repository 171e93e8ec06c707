// Gets the pnpm of package.json's `packageManager` with npm, and takes it only if the tarball has the hash that stands there. Plain JavaScript without
// dependencies: the bootstrap uses it before anything is installed, and the Dockerfiles as
//
//   node scripts/fetch-pnpm.mjs --global
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

/** `pnpm@10.34.9+sha512.<hex>`, as Corepack writes it. */
export function readPackageManager(
  text = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')).packageManager,
) {
  const [, name, version, sha512] = /^(pnpm)@(\d+\.\d+\.\d+)\+sha512\.([0-9a-f]{128})$/.exec(text ?? '') ?? [];
  if (!name) throw new Error(`packageManager must be pnpm@<version>+sha512.<128 hexadecimal digits>, got ${text}`);
  return { name, version, sha512 };
}

function npm(args, options) {
  const { status, stdout, error } = spawnSync('npm', [...args, '--no-audit', '--no-fund', '--loglevel=error'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    ...options,
  });
  if (status !== 0) throw new Error(`npm ${args[0]} failed${error ? `: ${error.message}` : '; its message is above'}`);
  return stdout;
}

/** @param where npm's options that say where to install: `--global`, or `--prefix` and a folder */
export function fetchPnpm(where, { packageManager = readPackageManager(), env = process.env } = {}) {
  const { name, version, sha512 } = packageManager;
  const folder = mkdtempSync(path.join(tmpdir(), 'crosscheck-pnpm-'));
  try {
    const file = npm(['pack', `${name}@${version}`, '--pack-destination', folder], { cwd: folder, env }).trim();
    const tarball = path.join(folder, file.split('\n').at(-1));
    const got = createHash('sha512').update(readFileSync(tarball)).digest('hex');
    if (got !== sha512)
      throw new Error(
        `${name} ${version} must have the sha512 ${sha512} of packageManager in package.json, got ${got}`,
      );
    npm(['install', '--no-save', ...where, tarball], { cwd: folder, env });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) fetchPnpm(process.argv.slice(2));
