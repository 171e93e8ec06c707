import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fetchWhole, repositoryRoot, temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findPython, INSTALL_TIMEOUT_MS } from '../../packages/mlflow-js-client/test/support/real-mlflow.ts';

// What the README tells people to type is typed here, from its first line to its last, in a folder with posts of one's own.
const readme = readFileSync(path.join(repositoryRoot, 'README.md'), 'utf8');

/** Commands that another test runs, and where. */
const elsewhere: Record<string, string> = {
  'npm run demo': '.ci/run',
  'npm test': '.ci/run',
  'pnpm train data.root_dir=posts data.n_rows=-1 -m experiment=search': 'packages/trainer/test/search.test.ts',
  'mlflow ui': 'packages/mlflow-js-client/test/sqlite-store.test.ts',
  'pnpm export export.precision=int8': 'packages/exporter/test/precision.test.ts',
  'docker build': 'deploy/test/containers.test.ts',
  'docker run': 'deploy/test/containers.test.ts',
  'docker compose': 'deploy/test/compose.test.ts',
  'kubectl apply': 'deploy/test/manifests.test.ts',
};

/** What a command gets besides, so that it needs neither the Hub nor minutes. */
const additions: Record<string, string> = {
  train: 'model=tiny data.image_size=64 data.max_length=32 training.num_steps=4',
  evaluate: 'model=tiny data.image_size=64 data.max_length=32',
  calibrate: 'model=tiny data.image_size=64 data.max_length=32',
  export: 'model=tiny',
  serve: 'serve.host=127.0.0.1 serve.port=$PORT',
};

const { scripts } = JSON.parse(readFileSync(path.join(repositoryRoot, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
};
const { dir, remove } = temporaryFolder();
const services: ChildProcess[] = [];
let port = 0;

const blocks = (language: string): string[] =>
  [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(([, text]) => text as string);

const commands = blocks('sh')
  .flatMap((block) => block.split('\n'))
  .map((line) => line.replace(/\s+#.*$/, '').trim())
  .filter((line) => line !== '');

beforeAll(async () => {
  writePnpm(path.join(dir, 'bin'));
  symlinkSync(path.join(repositoryRoot, 'assets'), path.join(dir, 'assets'));
  await ownPosts(path.join(dir, 'posts'));
  port = await freePort();
}, INSTALL_TIMEOUT_MS);
afterAll(() => {
  for (const service of services) service.kill('SIGTERM');
  remove();
});

/** Posts as the README describes them: paths relative to a folder of pictures for each split. */
async function ownPosts(posts: string): Promise<void> {
  await run('sh', ['-c', 'pnpm data:demo dir=posts train=64 val=32 test=32']);
  for (const split of ['train', 'val', 'test']) {
    const file = path.join(posts, `${split}.csv`);
    writeFileSync(file, readFileSync(file, 'utf8').replaceAll(`images/${split}/`, ''));
  }
  const [first] = readdirSync(path.join(posts, 'images/test'));
  cpSync(path.join(posts, 'images/test', first as string), path.join(dir, 'photo.jpg'));
}

/** A `pnpm` that runs the repository's scripts in the working folder, with the additions for short runs. */
function writePnpm(bin: string): void {
  mkdirSync(bin);
  const rows = Object.entries(scripts).map(([name, script]) => {
    const run = script.replaceAll(/(?<= )(packages|scripts|benchmarks)\//g, `${repositoryRoot}/$1/`);
    const isComplete = `case " $* " in *" --"*|*training.resume*) extra=;; *) extra="${additions[name] ?? ''}";; esac`;
    return `  ${name}) shift; ${isComplete}; exec ${run} "$@" $extra;;`;
  });
  const lines = ['#!/bin/sh', 'if [ "$1" = --silent ]; then shift; fi', 'case "$1" in', ...rows];
  writeFileSync(path.join(bin, 'pnpm'), [...lines, '  *) echo "no script $1" >&2; exit 1;;', 'esac', ''].join('\n'));
  chmodSync(path.join(bin, 'pnpm'), 0o755);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port: free } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return free;
}

const here = (command: string): string =>
  command.replaceAll('localhost:8000', `127.0.0.1:${port}`).replaceAll('outputs/<date>/<time>', lastRun());

/** The newest run folder that can be resumed. */
function lastRun(): string {
  const root = path.join(dir, 'outputs');
  if (!existsSync(root)) return 'outputs';
  const runs = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('training_state.safetensors'),
  );
  return path.join('outputs', path.dirname(runs.toSorted().at(-1) ?? ''));
}

function start(command: string, args: string[]): ChildProcess {
  const PATH = [path.join(dir, 'bin'), path.dirname(process.execPath), process.env['PATH']].join(path.delimiter);
  return spawn(command, args, { cwd: dir, env: { ...process.env, PATH, PORT: String(port) } });
}

/** Runs to the end. @returns what was printed */
async function run(command: string, args: string[]): Promise<string> {
  const child = start(command, args);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text: Buffer) => (output += text.toString()));
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  expect(code, `${args.join(' ')}\n${output}`).toBe(0);
  return output;
}

/** @returns what it answers when it is ready */
async function serve(command: string): Promise<string> {
  services.push(start('sh', ['-c', `exec ${command}`]));
  const deadline = Date.now() + 60_000;
  while (Date.now() < deadline) {
    const answer = await fetchWhole(`http://127.0.0.1:${port}/readyz`).catch(() => null);
    if (answer?.ok) return answer.text();
    await sleep(100);
  }
  throw new Error(`not ready: ${command}`);
}

const placeOf = (command: string): string | undefined =>
  Object.entries(elsewhere).find(([known]) => command.startsWith(known))?.[1];

describe('every command of the README works:', { timeout: 120_000 }, () => {
  it.each(commands.filter((command) => placeOf(command) === undefined))('%s', async (command) => {
    const output = command.startsWith('pnpm serve') ? await serve(command) : await run('sh', ['-c', here(command)]);
    expect(output).not.toBe('');
  });

  it('the others are run by other tests', () => {
    const places = commands.flatMap((command) => placeOf(command) ?? []);
    expect(places.length).toBeGreaterThan(0);
    expect(places.filter((file) => !existsSync(path.join(repositoryRoot, file)))).toEqual([]);
  });
});

describe('the clients of the README get a verdict', { timeout: INSTALL_TIMEOUT_MS }, () => {
  const verdict = /'?"?prediction'?"?: '(REAL|FAKE)'/;

  it('in Node', async () => {
    const [program] = blocks('js') as [string];
    writeFileSync(path.join(dir, 'client.mjs'), here(program));
    expect(await run(process.execPath, ['client.mjs'])).toMatch(verdict);
  });

  it('in Python', async () => {
    const [program] = blocks('python') as [string];
    expect(await run(await findPython(), ['-c', here(program)])).toMatch(verdict);
  });
});

it('every file that the README links to is there', () => {
  const links = [...readme.matchAll(/\]\(([^)#]+)[^)]*\)/g)].map(([, target]) => target as string);
  const missing = links.filter(
    (target) => !target.startsWith('http') && !existsSync(path.join(repositoryRoot, target)),
  );
  expect(missing).toEqual([]);
});
