import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { runEntry, temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { writeTinyArtifact } from '../../exporter/test/tiny-artifact.ts';
import { writePosts } from './posts.ts';
import { type Ran, work } from './run-score.ts';

vi.setConfig({ testTimeout: 240_000 }); // each opens networks, some several processes
const folder = temporaryFolder();
const at = (name: string) => `${folder.dir}/${name}`;
const header = 'text_content,image_path\n';
const model = () => `inference.checkpoint.path=${at('model')}`;

beforeAll(async () => {
  mkdirSync(at('model'));
  await writeTinyArtifact(at('model'));
  writePosts(folder.dir, 1);
});
afterAll(() => folder.remove());

/** Writes shards into a folder of their own and judges them with one worker. */
function judge(name: string, shards: Record<string, string>, ...overrides: string[]): Promise<Ran> {
  rmSync(at(name), { recursive: true, force: true });
  mkdirSync(at(`${name}/shards`), { recursive: true });
  for (const [shard, text] of Object.entries(shards)) writeFileSync(at(`${name}/shards/${shard}`), text);
  return again(name, ...overrides);
}

function again(name: string, ...overrides: string[]): Promise<Ran> {
  const places = [`score.shards=${at(name)}/shards`, `score.output=${at(name)}/out`, `score.images=${at('images')}`];
  return work(0, [...places, model(), ...overrides]);
}

const out = (name: string, file: string) => readFileSync(at(`${name}/out/${file}`), 'utf8');
const failure = (ran: Promise<Ran>) =>
  ran.then(
    (result) => ({ code: 'none', message: result.printed }),
    (error: unknown) => error,
  );
const says = (code: string, text: string) => ({ code, message: expect.stringContaining(text) });
const two = { 'a.csv': `${header}a flood,0.png\n`, 'b.csv': `${header}a wildfire,1.png\na calm street,2.png\n` };

describe('shards', () => {
  test('of JSON Lines become one JSON Lines file', async () => {
    const line = (text: string) => `${JSON.stringify({ text_content: text, image_path: '0.png', tags: ['x'] })}\n`;
    await judge('json', { 'a.jsonl': line('a flood'), 'b.jsonl': line('a wildfire') + line('a calm street') });
    const lines = out('json', 'predictions.jsonl')
      .trimEnd()
      .split('\n')
      .map((text) => JSON.parse(text));
    expect(lines.map((post) => post.text_content)).toEqual(['a flood', 'a wildfire', 'a calm street']);
    expect(lines[2]).toMatchObject({ tags: ['x'], prediction: expect.stringMatching(/REAL|FAKE/) });
  });

  test('keep quoted line ends, also in the header, and posts that cannot be judged', async () => {
    const odd = '"text_content",image_path,"a ""note""\nof two lines"\n';
    const { warnings } = await judge('odd', {
      'a.csv': `${odd}"two\nlines",0.png,x\n`,
      'b.csv': `${odd}t,../images/0.png,y\n`,
    });
    expect(out('odd', 'predictions.csv')).toMatch(
      /^text_content,image_path,"a ""note""\nof two lines",prediction.*\n"two\nlines",0\.png,x,.*\nt,\.\.\/images\/0\.png,y,ERROR,-1,-1\.0,-1\.0\n$/,
    );
    expect(warnings).toEqual([
      expect.stringMatching(/^b\.csv:3: expected an image below .*score\.allow_outside_root=true/),
    ]);
  });

  test('are left in parts where nobody wants one file', async () => {
    await judge('parts', two, 'score.merge=false');
    const parts = ['a.csv', 'b.csv'].map((name) => out('parts', `parts/${name}`));
    expect(readdirSync(at('parts/out')).toSorted()).toEqual(['job.json', 'parts', 'predictions.json', 'receipts']);
    const bytes = parts.join('').length;
    expect(JSON.parse(out('parts', 'predictions.json'))).toMatchObject({ rows: 3, file: null, sha256: null, bytes });
  });

  test('that are none, of two kinds, or in the way of the output are refused', async () => {
    expect(await failure(judge('none', {}))).toMatchObject(says('CROSSCHECK_SCORE_NO_SHARDS', at('none/shards')));
    const mixed = judge('mixed', { 'a.csv': header, 'b.jsonl': '{}\n' });
    expect(await failure(mixed)).toMatchObject(says('CROSSCHECK_SCORE_MIXED_SHARDS', '.csv and .jsonl'));
    const inside = judge('inside', two, `score.output=${at('inside/shards/out')}`);
    expect(await failure(inside)).toMatchObject(says('CROSSCHECK_SCORE_OUTPUT_INSIDE', 'score.output'));
    expect(await failure(judge('index', two, 'score.index=3'))).toMatchObject(
      says('CROSSCHECK_SCORE_INDEX', 'from 0 to 0'),
    );
  });

  test('with different columns cannot be one CSV', async () => {
    const other = { 'b.csv': 'image_path,text_content\n1.png,a flood\n' };
    expect(await failure(judge('columns', { ...two, ...other }))).toMatchObject(
      says('CROSSCHECK_SCORE_HEADERS_DIFFER', 'b.csv'),
    );
  });
});

describe('what is finished', () => {
  test('is not mixed with results of another threshold', async () => {
    await judge('threshold', two);
    writeFileSync(at('threshold/shards/c.csv'), two['a.csv']);
    const run = again('threshold', 'inference.output.threshold=0.25');
    expect(await failure(run)).toMatchObject(
      says('CROSSCHECK_SCORE_OTHER_JOB', 'threshold is 0.5 there and 0.25 here'),
    );
    expect(await failure(run)).toMatchObject(
      says('CROSSCHECK_SCORE_OTHER_JOB', 'shards is 2 of a.csv…b.csv there and 3 of'),
    );
  });

  test('a part whose worker died before the receipt gets only its receipt', async () => {
    await judge('half', two);
    const receipt = out('half', 'receipts/b.csv.json');
    for (const file of ['receipts/b.csv.json', 'predictions.csv', 'predictions.json']) rmSync(at(`half/out/${file}`));
    const { ino, mtimeMs } = statSync(at('half/out/parts/b.csv'));
    await again('half');
    expect(out('half', 'receipts/b.csv.json')).toBe(receipt);
    expect(statSync(at('half/out/parts/b.csv'))).toMatchObject({ ino, mtimeMs });
    expect(JSON.parse(out('half', 'predictions.json'))).toMatchObject({ rows: 3, shards: 2 });
  });

  test.each([
    ['lost a row', (rows: string[]) => rows.slice(0, -1)],
    ['has a row twice', (rows: string[]) => [...rows, rows.at(-1) as string]],
    ['has rows in another order', ([head, ...rows]: string[]) => [head as string, ...rows.reverse()]],
  ])('a part that %s is found, with its receipt and without', async (_, change) => {
    const code = 'CROSSCHECK_SCORE_PART_BROKEN';
    await judge('tampered', two);
    cpSync(at('tampered/out/receipts'), at('tampered/kept'), { recursive: true });
    const rows = out('tampered', 'parts/b.csv').trimEnd().split('\n');
    writeFileSync(at('tampered/out/parts/b.csv'), `${change(rows).join('\n')}\n`);
    rmSync(at('tampered/out/predictions.json'));
    expect(await failure(again('tampered'))).toMatchObject(says(code, 'parts/b.csv'));
    rmSync(at('tampered/out/receipts/b.csv.json'));
    expect(await failure(again('tampered'))).toMatchObject(says(code, 'b.csv'));
    expect(readdirSync(at('tampered/out'))).not.toContain('predictions.json');
  });
});

test('a worker that fails again and again ends the command, which says so', async () => {
  mkdirSync(at('failing/shards'), { recursive: true });
  writeFileSync(at('failing/shards/a.csv'), 'no,such,columns\n1,2,3\n');
  const places = [`score.shards=${at('failing/shards')}`, `score.output=${at('failing/out')}`, model()];
  const run = ['score.restarts=1', `hydra.run.dir=${at('run')}`];
  const { code, stderr } = await runEntry('packages/scoring/src/bin/score.ts', [...places, ...run]);
  expect(code).toBe(1);
  expect(stderr.match(/CROSSCHECK_DATA_MISSING_COLUMN/g)).toHaveLength(2);
  expect(stderr).toContain('worker 0 ended with exit code 1; starting it again');
  expect(stderr).toContain('CROSSCHECK_SCORE_WORKER_FAILED');
});
