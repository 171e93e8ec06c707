import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { FuzzTarget } from '@crosscheck/testkit';
import { readDvcConfig } from '../../src/dvc-config.ts';
import { readDvcFile } from '../../src/dvc-file.ts';
import { readListing } from '../../src/objects.ts';

const md5 = 'd41d8cd98f00b204e9800998ecf8427e';
const dvcFile = Buffer.from(`outs:\n- md5: ${md5}.dir\n  size: 10\n  nfiles: 2\n  hash: md5\n  path: data\n`);
const listing = Buffer.from(
  JSON.stringify([
    { md5, relpath: 'a/b.jpg' },
    { md5, relpath: 'c.jpg' },
  ]),
);
const config = Buffer.from(
  '[core]\n    remote = origin\n[\'remote "origin"\']\n    url = s3://posts/data\n    endpointurl = http://127.0.0.1:1\n',
);

const out = {
  path: '/tmp/data',
  md5,
  isFolder: true,
  layout: 'dvc3',
  bytes: 10,
  maxBytes: 1000,
  from: 'data.dvc',
  remote: null,
} as const;

function readConfig(bytes: Buffer, file: string): Promise<unknown> {
  const root = `${path.dirname(file)}/repository`;
  mkdirSync(`${root}/.dvc`, { recursive: true });
  writeFileSync(`${root}/.dvc/config`, bytes);
  return readDvcConfig(root);
}

export const targets: FuzzTarget[] = [
  {
    name: 'dvc-file',
    seeds: () => [dvcFile],
    codes: ['CROSSCHECK_DVC_BAD_FILE', 'CROSSCHECK_DVC_UNSAFE_PATH'],
    read: (_, file) => readDvcFile(file, path.dirname(file)),
  },
  {
    name: 'dvc-listing',
    seeds: () => [listing],
    codes: ['CROSSCHECK_DVC_BAD_LISTING'],
    read: (bytes) => readListing(bytes.toString(), out),
  },
  {
    name: 'dvc-config',
    seeds: () => [config],
    codes: ['CROSSCHECK_DVC_BAD_FILE', 'CROSSCHECK_DVC_BAD_CONFIG', 'CROSSCHECK_DVC_NO_REPOSITORY'],
    read: readConfig,
  },
];
