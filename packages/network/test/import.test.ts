import { execFileSync } from 'node:child_process';
import { repositoryRoot } from '@crosscheck/testkit';
import { expect, test } from 'vitest';

test('@crosscheck/network loads no runtime: itself, the contract and zod at most', () => {
  const script = `
    import { registerHooks } from 'node:module';
    const loaded = [];
    registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
    const network = await import('@crosscheck/network');
    console.log(JSON.stringify([typeof network.parameterNames, loaded]));`;
  const args = ['--conditions=@crosscheck/source', '--input-type=module', '-e', script];
  const cwd = `${repositoryRoot}/packages/network`;
  const [parameterNames, loaded] = JSON.parse(execFileSync(process.execPath, args, { cwd, encoding: 'utf8' }));
  const allowed = /^node:|\/packages\/(network|contract)\/src\/|\/node_modules\/zod\//;
  expect(loaded.filter((url: string) => !allowed.test(url))).toEqual([]);
  expect([parameterNames, loaded.length > 3]).toEqual(['function', true]);
});
