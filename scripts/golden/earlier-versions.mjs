#!/usr/bin/env node
// node scripts/golden/earlier-versions.mjs: what earlier versions write and answer, into packages/exporter/test/golden/earlier.
// Each commit is checked out beside, set up, and runs packages/exporter/test/bin/write-earlier.ts.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const commits = ['9216f0f', '277210e'];
const root = fileURLToPath(new URL('../..', import.meta.url));
const program = 'packages/exporter/test/bin/write-earlier.ts';

for (const commit of commits) {
  const folder = mkdtempSync(path.join(tmpdir(), 'crosscheck-earlier-'));
  const tree = path.join(folder, 'tree');
  const run = (command, args, cwd = tree) => execFileSync(command, args, { cwd, stdio: 'inherit' });
  run('git', ['worktree', 'add', '--detach', tree, commit], root);
  try {
    run('node', ['scripts/bootstrap.mjs', 'setup']);
    copyFileSync(path.join(root, program), path.join(tree, program));
    const out = path.join(root, 'packages/exporter/test/golden/earlier', commit);
    rmSync(out, { recursive: true, force: true });
    run('node_modules/.bin/node', ['--conditions=@crosscheck/source', program, out, path.join(folder, 'posts')]);
  } finally {
    run('git', ['worktree', 'remove', '--force', tree], root);
    rmSync(folder, { recursive: true, force: true });
  }
}
