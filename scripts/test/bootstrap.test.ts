import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { repositoryRoot, temporaryFolder } from '@crosscheck/testkit';
import { afterAll, describe, expect, test } from 'vitest';

const folder = temporaryFolder();
afterAll(() => folder.remove());
const bootstrap = path.join(repositoryRoot, 'scripts/bootstrap.mjs');

function setUp(env: Record<string, string>) {
  return spawnSync(process.execPath, [bootstrap, 'setup'], { encoding: 'utf8', env: { ...process.env, ...env } });
}

describe('setting up', () => {
  test('names everything that is missing in one message, before anything is fetched', () => {
    const { status, stdout, stderr } = setUp({ PATH: folder.dir, CXX: '' });
    expect(status).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toContain('these are needed and were not found:');
    expect(stderr).toContain('  - Python 3 (python3)');
    expect(stderr).toContain('  - a C++ compiler (');
    expect(stderr).toContain('  - npm');
    expect(stderr).toContain('apt-get install nodejs npm python3 python3-pip python3-venv g++');
  });

  test('skips what is done', () => {
    expect(setUp({}).status).toBe(0);
    const { status, stdout } = setUp({});
    expect(status).toBe(0);
    expect(stdout).not.toMatch(/fetching|installing|downloading|compiling/);
    expect(stdout).toMatch(/is ready in/);
  });

  test('refuses a command that it does not know', () => {
    const { status, stderr } = spawnSync(process.execPath, [bootstrap, 'deploy'], { encoding: 'utf8' });
    expect(status).toBe(1);
    expect(stderr).toContain('unknown command "deploy"; known: setup, demo, test');
  });
});
