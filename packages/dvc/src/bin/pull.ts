#!/usr/bin/env node
import path from 'node:path';
import { print, runOptionCommand } from '@crosscheck/contract';
import { megabytes, openProgress } from '../progress.ts';
import { pull } from '../pull.ts';

const name = 'data:pull';

/** pnpm runs scripts at the root of the repository and says where it was called; what another script around this one says is not meant. */
function whereCalled(): string {
  const { INIT_CWD: calledAt, npm_lifecycle_event: script } = process.env;
  return calledAt !== undefined && script === name ? calledAt : process.cwd();
}

await runOptionCommand({
  name,
  summary:
    'Brings what .dvc files track into the working tree, as `dvc pull` does, without Python: from a folder, http(s) or S3, md5\n' +
    'checked. Run it again after an interruption: it goes on where it stopped. Without a target: every .dvc file of the repository.',
  options: {
    remote: { default: null, help: 'a remote of .dvc/config or .dvc/config.local; null = its default' },
    jobs: { default: 16, min: 1, help: 'transfers at a time' },
    force: { default: false, help: "replace files that differ and that DVC's cache does not keep" },
  },
  operands: { usage: '[file.dvc | path …]', min: 0, max: Number.POSITIVE_INFINITY },
  code: 'CROSSCHECK_DVC_BAD_OPTION',
  async main(options, targets) {
    const cwd = whereCalled();
    const progress = openProgress();
    const summary = await pull({ ...options, targets, cwd, watcher: progress }).finally(() => progress.close());
    const names = summary.dvcFiles.map((file) => path.relative(cwd, file)).join(', ');
    if (names === '') return print('there is no .dvc file here: nothing to pull');
    const { files, placed, fetchedBytes } = summary;
    print(
      `${files} files of ${names}: ${files - placed} were there, ${placed} placed, ${megabytes(fetchedBytes)} fetched`,
    );
  },
});
