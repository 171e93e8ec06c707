import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { childrenOf, repositoryRoot, temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { writeTinyArtifact } from '../../exporter/test/tiny-artifact.ts';
import { split } from '../src/index.ts';
import { verdicts, writePosts } from './posts.ts';
import { runHere, work } from './run-score.ts';

vi.setConfig({ testTimeout: 240_000 }); // each opens networks, some several processes
const folder = temporaryFolder();
const rows = 600;
const at = (name: string) => `${folder.dir}/${name}`;
const common = [
  `score.shards=${at('shards')}`,
  `score.images=${at('images')}`,
  `inference.checkpoint.path=${at('model')}`,
];
const predictions = (output: string) => verdicts(at(`${output}/predictions.csv`));

beforeAll(async () => {
  mkdirSync(at('model'));
  await writeTinyArtifact(at('model'));
  writePosts(folder.dir, rows);
});
afterAll(() => folder.remove());

test('one worker keeps the posts in their order, with all columns and a verdict each', async () => {
  const shards = ['score.shard_rows=30', `score.input=${at('posts.csv')}`, common[0] as string];
  expect((await runHere(split, shards)).printed).toBe(`600 posts in 20 shards: ${at('shards')}\n`);
  const { printed, warnings } = await work(0, [...common, `score.output=${at('one')}`]);
  expect(printed.trimEnd().split('\n')).toHaveLength(20);
  expect(warnings).toHaveLength(12);
  expect(warnings[0]).toContain('posts-000001.csv:21: there is no image at');
  const [header, ...lines] = predictions('one');
  expect(header).toBe('id,text_content,image_path,true_label,prediction,label,probability,confidence');
  const posts = readFileSync(at('posts.csv'), 'utf8').trimEnd().split('\n').slice(1);
  expect(lines).toHaveLength(posts.length);
  for (const [i, line] of lines.entries()) {
    const post = `${posts[i]},`;
    expect(line.slice(0, post.length)).toBe(post);
    const verdict = i % 50 === 49 ? /^ERROR,-1,-1.0,-1.0$/ : /^(REAL,0|FAKE,1),0\.\d{6},0\.\d{6}$/;
    expect(line.slice(post.length)).toMatch(verdict);
  }
  const summary = JSON.parse(readFileSync(at('one/predictions.json'), 'utf8'));
  expect(summary).toMatchObject({ shards: 20, rows, failed: 12, file: 'predictions.csv' });
  expect(summary.fake + summary.real).toBe(rows - 12);
  expect(summary.bytes).toBe(statSync(at('one/predictions.csv')).size);
});

test('of four workers two are killed at random: what is finished stays, and the result equals that of one', async () => {
  const output = at('killed');
  const entry = `${repositoryRoot}/packages/scoring/src/bin/score.ts`;
  const overrides = [`score.output=${output}`, 'score.workers=4', `hydra.run.dir=${at('run')}`];
  const parent = spawn(process.execPath, ['--conditions=@crosscheck/source', entry, ...common, ...overrides], {
    cwd: repositoryRoot,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  parent.stdout.resume();
  parent.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const finished = () => (existsSync(`${output}/receipts`) ? readdirSync(`${output}/receipts`) : []).filter(isShard);
  const killed: number[] = [];
  while (killed.length < 2) {
    await sleep(Math.random() * 30);
    if (parent.exitCode !== null) throw new Error(`it ended before two workers were killed: ${stderr}`);
    const alive = finished().length === 0 ? [] : childrenOf(parent.pid).filter((pid) => !killed.includes(pid));
    const victim = alive[Math.floor(Math.random() * alive.length)];
    if (victim === undefined) continue;
    process.kill(victim, 'SIGKILL');
    killed.push(victim);
  }
  const modified = (names: string[]) => names.map((name) => statSync(`${output}/receipts/${name}`).mtimeMs);
  const [early, before] = [finished(), modified(finished())];
  const [code] = (await once(parent, 'close')) as [number];
  expect(code, stderr).toBe(0);
  expect(stderr.match(/ended with SIGKILL; starting it again/g)).toHaveLength(2);
  expect(modified(early)).toEqual(before);
  expect(predictions('killed')).toEqual(predictions('one'));
  expect(readdirSync(`${output}/parts`).filter(isShard)).toHaveLength(20);
});

const isShard = (name: string) => name.startsWith('posts-');
