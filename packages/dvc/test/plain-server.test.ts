import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createRandom } from '@crosscheck/contract';
import { runEntry, startPythonServer, temporaryFolder } from '@crosscheck/testkit';
import { afterAll, expect, test } from 'vitest';
import { writeRepository } from './support/repository.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());

const md5 = (bytes: string | Buffer) => createHash('md5').update(bytes).digest('hex');

function keep(remote: string, bytes: string | Buffer, end = ''): string {
  const hash = md5(bytes);
  mkdirSync(path.join(remote, 'files/md5', hash.slice(0, 2)), { recursive: true });
  writeFileSync(path.join(remote, 'files/md5', hash.slice(0, 2), hash.slice(2) + end), bytes);
  return hash;
}

/** As large as photographs: what a server sends before it closes does not fit into one read. */
function writeRemote(remote: string): { dvcFile: string; hashes: string[] } {
  const random = createRandom('plain server');
  const sizes = [90_000, 131_072, 150_000, 200_000, 400_000, 1_000_000];
  const listing = Array.from({ length: 60 }, (_, i) => {
    const bytes = Buffer.alloc(sizes[random.int(sizes.length)] as number, `${i} `);
    return { md5: keep(remote, bytes), relpath: `images/${i}.bin` };
  });
  const hash = keep(remote, JSON.stringify(listing), '.dir');
  const dvcFile = `outs:\n- md5: ${hash}.dir\n  nfiles: ${listing.length}\n  hash: md5\n  path: data\n`;
  return { dvcFile, hashes: listing.map((entry) => entry.md5).toSorted() };
}

test('a pull from a server that closes after every answer comes to its end', async () => {
  const { dvcFile, hashes } = writeRemote(`${folder.dir}/remote`);
  const { url, stop } = await startPythonServer(`${folder.dir}/remote`);
  try {
    for (const name of ['first', 'second', 'third']) {
      const repository = `${folder.dir}/${name}`;
      writeRepository(repository, url, dvcFile);
      const { code, stdout, stderr } = await runEntry('packages/dvc/src/bin/pull.ts', [], { cwd: repository });
      expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' });
      const images = `${repository}/data/images`;
      expect(
        readdirSync(images)
          .map((file) => md5(readFileSync(`${images}/${file}`)))
          .toSorted(),
      ).toEqual(hashes);
    }
  } finally {
    await stop();
  }
});
