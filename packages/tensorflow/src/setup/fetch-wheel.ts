import { existsSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CrosscheckError } from '@crosscheck/contract';
import { sha256OfFile } from '@crosscheck/files';
import { tensorflowVersion, type Wheel } from './platform.ts';
import { runTool } from './run-tool.ts';

/** The wheel in `folder` that has the right hash, from an earlier run that got that far. */
async function findDownloaded(folder: string, wheel: Wheel): Promise<string | null> {
  if (!existsSync(folder)) return null;
  for (const name of await readdir(folder)) {
    const file = path.join(folder, name);
    if (name.endsWith('.whl') && (await sha256OfFile(file)) === wheel.sha256) return file;
  }
  return null;
}

/** `CROSSCHECK_TENSORFLOW_WHEEL`: a wheel that the user brought, of any version that has the C library. */
export function findGivenWheel(): string | null {
  const given = process.env['CROSSCHECK_TENSORFLOW_WHEEL'];
  if (!given) return null;
  if (existsSync(given)) return path.resolve(given);
  throw new CrosscheckError(
    'CROSSCHECK_TENSORFLOW_DOWNLOAD',
    `CROSSCHECK_TENSORFLOW_WHEEL must name a TensorFlow wheel (.whl), but ${path.resolve(given)} does not exist`,
  );
}

/** Downloads with pip, which shows progress, honours the machine's index settings and checks the hash. */
export async function fetchWheel(wheel: Wheel, folder: string, say: (line: string) => void): Promise<string> {
  const earlier = await findDownloaded(folder, wheel);
  if (earlier) return earlier;
  await mkdir(folder, { recursive: true });
  const requirement = `${wheel.project}==${tensorflowVersion}`;
  const list = path.join(folder, `${wheel.project}.txt`);
  await writeFile(list, `${requirement} --hash=sha256:${wheel.sha256}\n`);
  say(`downloading ${requirement} (${wheel.platformTag}) with pip`);
  const target = [
    '--python-version',
    '3.12',
    '--implementation',
    'cp',
    '--abi',
    'cp312',
    '--platform',
    wheel.platformTag,
  ];
  const args = ['-m', 'pip', 'download', '--no-deps', '--only-binary=:all:', '--require-hashes', ...target];
  const { code } = await runTool('python3', [...args, '--dest', folder, '--requirement', list], { show: true });
  const file = await findDownloaded(folder, wheel);
  if (code === 0 && file) return file;
  throw new CrosscheckError(
    'CROSSCHECK_TENSORFLOW_DOWNLOAD',
    `pip could not download ${requirement} for ${wheel.platformTag} with sha256 ${wheel.sha256} (its own message is above); ` +
      "check the network and pip's index settings, or fetch the wheel elsewhere and set CROSSCHECK_TENSORFLOW_WHEEL=<file>",
  );
}
