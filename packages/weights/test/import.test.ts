import { execFileSync } from 'node:child_process';
import { repositoryRoot } from '@crosscheck/testkit';
import { expect, test } from 'vitest';

test('@crosscheck/weights reads checkpoints without TensorFlow being loaded', () => {
  const script = `
    import { registerHooks } from 'node:module';
    const loaded = [];
    registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
    const weights = await import('@crosscheck/weights');
    console.log(JSON.stringify([typeof weights.openCheckpoint, loaded.filter((url) => /packages.tensorflow|tfjs/.test(url)), loaded.length > 20]));`;
  const args = ['--conditions=@crosscheck/source', '--input-type=module', '-e', script];
  const printed = execFileSync(process.execPath, args, { cwd: `${repositoryRoot}/packages/weights`, encoding: 'utf8' });
  expect(JSON.parse(printed)).toEqual(['function', [], true]);
});
