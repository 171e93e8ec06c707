import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { completionScript } from '@crosscheck/contract';
import { afterAll, describe, expect, test } from 'vitest';
import { greetFolder } from './bin/folder.ts';

const { dir, remove, greet } = greetFolder();
afterAll(remove);

const query = async (...words: string[]) =>
  (await greet(['--shell-completion', 'query=bash', '--', ...words])).stdout.trim().split('\n');

describe('completion', () => {
  test('offers groups and the next part of keys', async () => {
    expect(await query('')).toEqual(['greeting.', 'greeting=']);
    expect(await query('hydra/l')).toEqual(['hydra/launcher=']);
    expect(await query('greeting.t')).toEqual(['greeting.text=', 'greeting.times=']);
    expect(await query('x=1', '+greeting.m')).toEqual(['+greeting.mode=']);
  });

  test('offers the options of a group and the values of a key that has few', async () => {
    expect(await query('greeting=')).toEqual(['greeting=long', 'greeting=short']);
    expect(await query('greeting.mode=l')).toEqual(['greeting.mode=loud']);
    expect(await query('greeting.gpu=')).toEqual(['greeting.gpu=true', 'greeting.gpu=false']);
  });

  test('offers flags', async () => {
    expect(await query('--co')).toEqual(['--config-name', '--config-path', '--config-dir']);
  });

  test('an unknown shell is refused with the ones there are', async () => {
    expect((await greet(['-sc', 'install=tcsh'])).stderr).toBe(
      'CROSSCHECK_CLI_FLAG: no completion for the shell "tcsh"; available: bash, zsh, fish\n',
    );
  });

  test('the bash script completes pnpm greet', async () => {
    const script = path.join(dir, 'completion.bash');
    writeFileSync(script, (await greet(['--shell-completion', 'install=bash'])).stdout);
    const complete = (line: string) => {
      const words = line.split(/([=:])|\s+/).filter((word) => word !== undefined && word !== '');
      if (/[\s]$/.test(line)) words.push('');
      const list = words.map((word) => `'${word}'`).join(' ');
      const body = `source ${script}; COMP_LINE='${line}' COMP_POINT=${line.length} COMP_WORDS=(${list}) COMP_CWORD=${words.length - 1}; _crosscheck_greet_pnpm 2>/dev/null; printf '%s\\n' "\${COMPREPLY[@]}"`;
      return execFileSync('bash', ['-c', body], { cwd: dir, encoding: 'utf8' }).trim().split('\n');
    };
    expect(complete('pnpm greet greeting.ti')).toEqual(['greeting.times=']);
    // bash has split the word at =, so only what follows it is handed back.
    expect(complete('pnpm greet greeting=')).toEqual(['long', 'short']);
    expect(complete('pnpm other ')).toEqual(['']);
  });

  test.each(['bash', 'zsh', 'fish'])('a command with a colon in its name gets names that %s takes', (shell) => {
    const text = completionScript(shell, 'score:split');
    expect(text).not.toMatch(/_crosscheck_score:/);
    expect(text).toContain('score:split');
    if (spawnSync(shell, ['--version']).status !== 0) return;
    const script = path.join(dir, `colon.${shell}`);
    writeFileSync(script, text);
    expect(spawnSync(shell, ['-n', script], { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
  });

  test('the bash script of a command with a colon answers to its whole name', () => {
    const script = path.join(dir, 'colon-answers.bash');
    writeFileSync(script, completionScript('bash', 'score:split'));
    const answers = (line: string) => {
      const body = `source ${script}; _crosscheck_score_split() { COMPREPLY=(asked); }; COMP_LINE='${line}' COMP_POINT=${line.length}; _crosscheck_score_split_pnpm; printf '%s' "\${COMPREPLY[*]}"`;
      return execFileSync('bash', ['-c', body], { encoding: 'utf8' });
    };
    expect(answers('pnpm score:split sco')).toBe('asked');
    expect(answers('pnpm score:split ')).toBe('asked');
    expect(answers('pnpm score sco')).toBe('');
    expect(answers('pnpm score:split')).toBe('');
  });

  test.each(['zsh', 'fish'])('the %s script is accepted by the shell where there is one', async (shell) => {
    const { stdout } = await greet(['--shell-completion', `install=${shell}`]);
    expect(stdout).toContain('--shell-completion query=');
    if (spawnSync(shell, ['--version']).status !== 0) return;
    const script = path.join(dir, `completion.${shell}`);
    writeFileSync(script, stdout);
    expect(spawnSync(shell, ['-n', script], { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
  });
});
