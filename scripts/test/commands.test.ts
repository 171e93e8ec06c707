import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { repositoryRoot, runEntry, temporaryFolder } from '@crosscheck/testkit';
import { afterAll, describe, expect, test } from 'vitest';

const { scripts } = JSON.parse(readFileSync(path.join(repositoryRoot, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
};

/** Made for whoever changes the repository; its overrides are those of train. */
const ofMaintainers = new Set(['tiny:backbones']);

/** Name and entry point of every command that users have. */
const commands = Object.entries(scripts).flatMap(([name, line]): [string, string][] => {
  const entry =
    /^node --conditions=@crosscheck\/source (packages\/\S+\/src\/bin\/\S+|benchmarks\/(?:capacity|scaling)\/run)\.ts$/.exec(
      line,
    );
  return entry === null || ofMaintainers.has(name) ? [] : [[name, `${entry[1]}.ts`]];
});

async function query(entry: string, word: string): Promise<string[]> {
  const { code, stdout } = await runEntry(entry, ['--shell-completion', 'query=bash', '--', word]);
  expect(code).toBe(0);
  return stdout.split('\n').filter((line) => line !== '');
}

/** A key that completion leads to, whole: `data:demo` offers `dir=`, `train` offers `data.`, which goes on. */
async function completeKey(entry: string, typed = ''): Promise<string | null> {
  const offered = await query(entry, typed);
  const longest = offered.toSorted((a, b) => b.length - a.length)[0];
  if (longest === undefined) return null;
  expect(longest).toMatch(/^[\w./@]+[.=]$/);
  return longest.endsWith('=') ? longest.slice(0, -1) : completeKey(entry, longest);
}

/** The key without the second letter of its last part. */
const mistype = (key: string) => key.replace(/([^.])[^.]([^.]*)$/, '$1$2');

test('there are commands of every package', () => {
  expect(commands.map(([name]) => name)).toEqual(
    expect.arrayContaining([
      'train',
      'compare',
      'score:split',
      'data:pull',
      'data:suspects',
      'dvc:plots',
      'mlflow:sync',
      'tensorflow:setup',
      'capacity',
      'scaling',
    ]),
  );
});

describe('every command of package.json', () => {
  test.each(commands)('%s prints its help', async (name, entry) => {
    const { code, stdout, stderr } = await runEntry(entry, ['--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(`pnpm ${name} `);
    expect(stdout).not.toContain('undefined');
  });

  test.each(commands)('%s completes its keys, and knows which one a slip means', async (_, entry) => {
    const key = await completeKey(entry);
    const { code, stderr } = await runEntry(entry, [`${mistype(key ?? 'anything')}=1`]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^CROSSCHECK_(CLI|CONFIG|DATA|DVC)_\w+: .*$/m);
    expect(stderr).not.toMatch(/^ {4}at /m);
    expect(stderr).toMatch(key === null ? /--help/ : new RegExp(`did you mean (the group )?${key}`));
  });
});

const shellScripts = temporaryFolder();
afterAll(shellScripts.remove);

/** Evaluates the script of a command with a colon in its name, twice as a shell's start files may, and asks the shell what it offers. */
async function ask(shell: string, body: string): Promise<string[]> {
  const { stdout } = await runEntry('packages/demo/src/bin/demo.ts', ['--shell-completion', `install=${shell}`]);
  const file = path.join(shellScripts.dir, `completion.${shell}`);
  writeFileSync(file, stdout);
  const asked = spawnSync(shell, ['-c', `source ${file}; source ${file}; ${body}`], { encoding: 'utf8' });
  expect(asked).toMatchObject({ status: 0, stderr: '' });
  return asked.stdout.trim().split('\n');
}

const hasShell = (shell: string) => spawnSync(shell, ['--version']).status === 0;

describe('a shell with the script of data:demo', () => {
  const typeInBash = (line: string) =>
    `COMP_LINE='${line}' COMP_POINT=${line.length} COMP_WORDS=(pnpm) COMP_CWORD=3; _crosscheck_data_demo_pnpm 2>/dev/null; printf '%s\\n' "\${COMPREPLY[@]}"`;

  test.runIf(hasShell('bash'))('bash completes it, and nothing else (skipped: no bash)', async () => {
    expect(await ask('bash', typeInBash('pnpm data:demo diff'))).toEqual(['difficulty=']);
    expect(await ask('bash', typeInBash('pnpm data:demo difficulty='))).toEqual(['easy', 'medium', 'hard']);
    expect(await ask('bash', typeInBash('pnpm data:split di'))).toEqual(['']);
  });

  test.runIf(hasShell('fish'))('fish completes it (skipped: no fish)', async () => {
    expect(await ask('fish', "complete -C 'pnpm data:demo diff'")).toEqual(['difficulty=']);
    expect(await ask('fish', "complete -C 'pnpm data:demo difficulty=e'")).toEqual(['difficulty=easy']);
    expect(await ask('fish', `complete -C 'pnpm data:demo dir=${shellScripts.dir}/comple'`)).toContain(
      `dir=${shellScripts.dir}/completion.fish`,
    );
  });
});
