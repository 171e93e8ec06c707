import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { architectureSchema } from '@crosscheck/contract';
import { elementCount, textBackboneNames, textPrefix } from '@crosscheck/network';
import { temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { hubEnvironment, readToken } from '../src/hub/environment.ts';
import { retryAfterMs } from '../src/hub/request.ts';
import {
  downloadFromHub,
  type HubOptions,
  openTextBackbone,
  resolvePretrained,
  resolveTokenizer,
  resolveWeights,
  writeSafetensors,
} from '../src/index.ts';
import { commit, type HubServer, startHub } from './hub-server.ts';
import { runPython } from './python-environment.ts';

const { dir, remove } = temporaryFolder();
let hub: HubServer;
beforeAll(async () => {
  hub = await startHub();
});
afterAll(async () => {
  await hub.close();
  remove();
});

const large = Buffer.from(Uint8Array.from({ length: 300_000 }, (_, i) => (i * i) % 251));
const id = 'org/name';
let cache = '';
let slept: number[] = [];
let homes = 0;

beforeEach(() => {
  cache = path.join(dir, `home-${homes++}`);
  slept = [];
  hub.files.clear();
  hub.files.set(`${id}/model.safetensors`, large);
  hub.files.set(`${id}/config.json`, Buffer.from('{}'));
  for (const list of [hub.seen, hub.answers, hub.breaks]) list.length = 0;
  hub.honoursRanges = true;
  hub.kept = () => {
    const blobs = path.join(repository(), 'blobs');
    const partial = readdirSync(blobs).find((name) => name.endsWith('.incomplete'));
    return partial === undefined ? 0 : statSync(path.join(blobs, partial)).size;
  };
});

function options(more: Record<string, string> = {}, rest: HubOptions = {}): HubOptions {
  const sleep = (milliseconds: number): Promise<void> => {
    slept.push(milliseconds);
    return Promise.resolve();
  };
  return {
    variables: { HF_HOME: cache, HF_ENDPOINT: `${hub.endpoint}/`, ...more },
    retrying: { attempts: 3, sleep },
    ...rest,
  };
}

const get = (more: Record<string, string> = {}, rest: HubOptions = {}): Promise<string> =>
  downloadFromHub(id, ['model.safetensors'], options(more, rest));

const repository = (): string => path.join(cache, 'hub', 'models--org--name');
const methods = (): string[] => hub.seen.map(({ method, range }) => [method, range].filter(Boolean).join(' '));

describe('a file of the Hub', () => {
  test('is downloaded into the cache that Python shares: blob, snapshot link, reference', async () => {
    const file = await get();
    expect(file).toBe(path.join(repository(), 'snapshots', commit, 'model.safetensors'));
    expect(readFileSync(file)).toEqual(large);
    expect(readlinkSync(file)).toMatch(/^\.\.\/\.\.\/blobs\/[0-9a-f]{64}$/);
    expect(readFileSync(path.join(repository(), 'refs/main'), 'utf8')).toBe(commit);
    expect(readdirSync(path.join(repository(), 'blobs'))).toEqual([path.basename(readlinkSync(file))]);
  });

  test('is not downloaded twice, and the Hub is only asked whether it changed', async () => {
    await get();
    expect(methods()).toEqual(['HEAD', 'GET', 'GET']); // the second GET is the redirect's
    await get();
    expect(methods().slice(3)).toEqual(['HEAD']);
  });

  test('of a commit is not even asked about', async () => {
    await get({}, { revision: commit });
    const { length } = hub.seen;
    expect(await get({}, { revision: commit })).toContain(commit);
    expect(hub.seen).toHaveLength(length);
    expect(existsSync(path.join(repository(), 'refs'))).toBe(false);
  });

  test('is the first of the names wanted that the repository has', async () => {
    const file = await downloadFromHub(id, ['vocab.txt', 'config.json', 'model.safetensors'], options());
    expect(file).toBe(path.join(repository(), 'snapshots', commit, 'config.json'));
    expect(readlinkSync(file)).toMatch(/^\.\.\/\.\.\/blobs\/[0-9a-f]{40}$/);
  });

  test('reports its progress', async () => {
    const seen: number[] = [];
    await get(
      {},
      { onProgress: ({ file, receivedBytes, totalBytes }) => seen.push(receivedBytes, totalBytes ?? 0, file.length) },
    );
    expect(seen.slice(-3)).toEqual([large.length, large.length, 'model.safetensors'.length]);
  });

  test('of a renamed repository is followed within the Hub', async () => {
    hub.answers.push((_, response) => response.writeHead(307, { location: `/${id}/resolve/main/config.json` }).end());
    const file = await downloadFromHub(id, ['config.json'], options());
    expect(readFileSync(file, 'utf8')).toBe('{}');
    expect(hub.seen.map(({ method }) => method)).toEqual(['HEAD', 'HEAD', 'GET']);
  });

  test('that changed at its branch is downloaded again, under its new commit', async () => {
    await downloadFromHub(id, ['config.json'], options());
    hub.files.set(`${id}/config.json`, Buffer.from('{"new":1}'));
    hub.answers.push((_, response) =>
      response.writeHead(200, { 'x-repo-commit': 'b'.repeat(40), etag: '"e2"', 'content-length': 9 }).end(),
    );
    hub.answers.push((_, response) => response.end('{"new":1}'));
    const file = await downloadFromHub(id, ['config.json'], options());
    expect(file).toContain('b'.repeat(40));
    expect(readFileSync(file, 'utf8')).toBe('{"new":1}');
    expect(readFileSync(path.join(repository(), 'refs/main'), 'utf8')).toBe('b'.repeat(40));
  });
});

describe('a tokenizer of the Hub', () => {
  test('comes with what says whether it lower-cases', async () => {
    hub.files.set(`${id}/vocab.txt`, Buffer.from('[PAD]'));
    hub.files.set(`${id}/tokenizer_config.json`, Buffer.from('{"do_lower_case": false}'));
    const file = await resolveTokenizer(id, options());
    expect(path.basename(file)).toBe('vocab.txt');
    const beside = path.join(path.dirname(file), 'tokenizer_config.json');
    expect(readFileSync(beside, 'utf8')).toBe('{"do_lower_case": false}');
  });

  test('may lack that', async () => {
    hub.files.set(`${id}/tokenizer.json`, Buffer.from('{}'));
    const file = await resolveTokenizer(id, options());
    expect(readdirSync(path.dirname(file))).toEqual(['tokenizer.json']);
    expect(await resolveTokenizer(id, options({ HF_HUB_OFFLINE: '1' }))).toBe(file);
  });
});

describe('an interrupted download', () => {
  test('goes on where the connection broke', async () => {
    hub.breaks.push(100_000, 50_000);
    const file = await get();
    expect(readFileSync(file)).toEqual(large);
    const ranges = hub.seen.filter(({ path }) => !path.includes('resolve')).map(({ range }) => range);
    expect(ranges).toEqual([undefined, 'bytes=100000-', 'bytes=150000-']);
  });

  test('goes on in the next process', async () => {
    hub.breaks.push(100_000, 0, 0, 0);
    await expect(get()).rejects.toMatchObject({ code: 'CROSSCHECK_HUB_UNREACHABLE' });
    const [partial = ''] = readdirSync(path.join(repository(), 'blobs'));
    expect(partial).toMatch(/^[0-9a-f]{64}\.incomplete$/);
    expect(statSync(path.join(repository(), 'blobs', partial)).size).toBe(100_000);
    hub.seen.length = hub.breaks.length = 0;
    expect(readFileSync(await get())).toEqual(large);
    expect(methods()).toEqual(['HEAD', 'GET bytes=100000-', 'GET bytes=100000-']);
  });

  test('starts anew when the server knows no ranges, and gives up when that never ends', async () => {
    hub.honoursRanges = false;
    hub.breaks.push(100_000);
    expect(readFileSync(await get())).toEqual(large);
    cache = path.join(dir, `home-${homes++}`);
    hub.breaks.push(...Array.from({ length: 20 }, () => 1000));
    await expect(get()).rejects.toThrow(/could not get org\/name@main\/model\.safetensors .*\(3 tries\)/);
    expect(hub.breaks).toHaveLength(17);
  });

  test('with damaged bytes is found by its hash, removed, and good the next time', async () => {
    hub.breaks.push(100_000, 0, 0, 0);
    await expect(get()).rejects.toMatchObject({ code: 'CROSSCHECK_HUB_UNREACHABLE' });
    const [partial = ''] = readdirSync(path.join(repository(), 'blobs'));
    writeFileSync(path.join(repository(), 'blobs', partial), Buffer.alloc(100_000, 7));
    hub.breaks.length = 0;
    const second = get();
    await expect(second).rejects.toMatchObject({ code: 'CROSSCHECK_HUB_CORRUPT' });
    await expect(second).rejects.toThrow(/its SHA-256 is [0-9a-f]{64}, the Hub announced/);
    expect(readdirSync(path.join(repository(), 'blobs'))).toEqual([]);
    expect(readFileSync(await get())).toEqual(large);
  });
});

describe('a Hub in trouble', () => {
  const answer = (status: number, headers: Record<string, string> = {}): HubServer['answers'][number] => {
    return (_, response) => response.writeHead(status, headers).end();
  };

  test('is asked again, after the pause that it names or a growing one', async () => {
    hub.answers.push(answer(503), answer(429, { 'retry-after': '7' }));
    expect(readFileSync(await get())).toEqual(large);
    expect(slept).toEqual([500, 7000]);
  });

  test('names its pause in seconds or as a date, and never more than a minute', () => {
    expect(retryAfterMs('3')).toBe(3000);
    expect(retryAfterMs('9999')).toBe(60_000);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-01-01T00:00:00Z') });
    onTestFinished(() => void vi.useRealTimers());
    expect(retryAfterMs('Thu, 01 Jan 2026 00:00:05 GMT')).toBe(5000);
    expect(retryAfterMs('soon')).toBeNull();
    expect(retryAfterMs(null)).toBeNull();
  });

  test('does not matter when the file is in the cache', async () => {
    const file = await get();
    hub.answers.push(answer(500));
    expect(await get()).toBe(file);
    expect(await get({ HF_ENDPOINT: 'http://127.0.0.1:9' })).toBe(file);
  });

  test('is called unreachable with the reason and what to do', async () => {
    const unreachable = get({ HF_ENDPOINT: 'http://127.0.0.1:9' });
    await expect(unreachable).rejects.toMatchObject({ code: 'CROSSCHECK_HUB_UNREACHABLE' });
    await expect(unreachable).rejects.toThrow(
      /from http:\/\/127\.0\.0\.1:9: .*\(3 tries\)\. Check the network and HF_ENDPOINT/,
    );
  });

  test('that is none is found out', async () => {
    hub.answers.push((_, response) => response.end());
    await expect(get()).rejects.toThrow(/has no usable x-repo-commit and etag, so it is no Hub; check HF_ENDPOINT/);
  });

  const refusals: [what: string, answer: [status: number, header: string], code: string, message: RegExp][] = [
    ['a gated repository', [403, 'GatedRepo'], 'CROSSCHECK_HUB_FORBIDDEN', /org\/name is gated: accept its terms/],
    ['a token without the right', [403, ''], 'CROSSCHECK_HUB_FORBIDDEN', /token in HF_TOKEN may not read org\/name/],
    [
      'a private or unknown repository',
      [401, 'RepoNotFound'],
      'CROSSCHECK_HUB_FORBIDDEN',
      /does not exist or is private/,
    ],
    ['an unknown repository', [404, 'RepoNotFound'], 'CROSSCHECK_HUB_NOT_FOUND', /no repository org\/name/],
    ['an unknown revision', [404, 'RevisionNotFound'], 'CROSSCHECK_HUB_NOT_FOUND', /not its revision "main"/],
  ];
  test.each(refusals)('refuses %s, and says what to do', async (_, [status, header], code, message) => {
    hub.answers.push(answer(status, header ? { 'x-error-code': header } : {}));
    const refused = get();
    await expect(refused).rejects.toMatchObject({ code });
    await expect(refused).rejects.toThrow(message);
  });

  test('lists the files that a repository lacks', async () => {
    const missing = resolveWeights(id, { ...options(), files: ['a.safetensors', 'b.bin'] });
    await expect(missing).rejects.toMatchObject({ code: 'CROSSCHECK_HUB_NOT_FOUND' });
    await expect(missing).rejects.toThrow(/org\/name@main at http.* has none of a\.safetensors, b\.bin/);
  });
});

describe('the environment', () => {
  test('HF_HUB_OFFLINE takes files from the cache only, and says so when they are not there', async () => {
    const offline = get({ HF_HUB_OFFLINE: '1' });
    await expect(offline).rejects.toMatchObject({ code: 'CROSSCHECK_HUB_OFFLINE' });
    await expect(offline).rejects.toThrow(
      /HF_HUB_OFFLINE is set and .*hub holds no model\.safetensors of org\/name@main/,
    );
    expect(hub.seen).toEqual([]);
    const file = await get();
    const { length } = hub.seen;
    expect(await get({ HF_HUB_OFFLINE: 'true' })).toBe(file);
    expect(hub.seen).toHaveLength(length);
  });

  test('HF_TOKEN goes to the Hub and not to the host that it redirects to', async () => {
    await get({ HF_TOKEN: 'secret' });
    const sent = hub.seen.map(({ path, authorization }) => [path.includes('/resolve/'), authorization]);
    expect(sent).toEqual([[true, 'Bearer secret'], [true, 'Bearer secret'], [false, undefined]]); // biome-ignore format: a table
  });

  test('has the same folders and defaults as huggingface_hub', async () => {
    expect(hubEnvironment({ HF_HOME: '/a' })).toMatchObject({
      cacheDir: '/a/hub',
      tokenFile: '/a/token',
      isOffline: false,
    });
    expect(hubEnvironment({ XDG_CACHE_HOME: '/x' })).toMatchObject({ cacheDir: '/x/huggingface/hub' });
    expect(hubEnvironment({ HF_HOME: '/a', HF_HUB_CACHE: '/b' })).toMatchObject({
      cacheDir: '/b',
      tokenFile: '/a/token',
    });
    expect(hubEnvironment({ HF_ENDPOINT: 'http://mirror/' }).endpoint).toBe('http://mirror');
    mkdirSync(cache, { recursive: true });
    writeFileSync(path.join(cache, 'token'), 'stored\n');
    expect(await readToken(hubEnvironment({ HF_HOME: cache }))).toBe('stored');
    expect(await readToken(hubEnvironment({ HF_HOME: cache, HF_TOKEN: 'given' }))).toBe('given');
    expect(await readToken(hubEnvironment({ HF_HOME: '/nowhere' }))).toBeNull();
  });

  test('a cache that cannot be written is told apart from a network that fails', async () => {
    writeFileSync(cache, '');
    const unwritable = get();
    await expect(unwritable).rejects.toMatchObject({ code: 'CROSSCHECK_HUB_CACHE_UNWRITABLE' });
    await expect(unwritable).rejects.toThrow(/set HF_HOME to a folder that can be written/);
  });
});

describe('several at once', () => {
  test('in one process download once', async () => {
    const files = await Promise.all(Array.from({ length: 4 }, () => get()));
    expect(new Set(files).size).toBe(1);
    expect(readFileSync(files[0] as string)).toEqual(large);
    expect(hub.seen.filter(({ path }) => !path.includes('/resolve/'))).toHaveLength(1);
  });

  test('the lock of a process that was killed is taken over', async () => {
    const child = spawn(process.execPath, ['-e', '']);
    await new Promise((resolve) => child.on('close', resolve));
    mkdirSync(path.join(repository(), 'blobs'), { recursive: true });
    const lock = path.join(repository(), 'blobs', `${createHash('sha256').update(large).digest('hex')}.lock`);
    writeFileSync(lock, `${child.pid} ${hostname()}`);
    expect(readFileSync(await get())).toEqual(large);
    expect(existsSync(lock)).toBe(false);
  });
});

describe('a pretrained model is found', () => {
  test('as a file, as a folder with one of the files wanted, or on the Hub', async () => {
    const folder = path.join(dir, 'local');
    mkdirSync(folder);
    writeFileSync(`${folder}/pytorch_model.bin`, '');
    expect(await resolveWeights(`${folder}/pytorch_model.bin`)).toBe(`${folder}/pytorch_model.bin`);
    expect(await resolveWeights(folder)).toBe(`${folder}/pytorch_model.bin`);
    expect(await resolveWeights(path.relative('.', folder))).toBe(`${folder}/pytorch_model.bin`);
    expect(readFileSync(await resolveWeights(id, options()))).toEqual(large);
    hub.files.set('bare-name/vocab.txt', Buffer.from('[PAD]'));
    expect(await resolvePretrained('bare-name', ['tokenizer.json', 'vocab.txt'], options())).toMatch(
      /models--bare-name.*vocab\.txt$/,
    );
  });

  test('or not, with what was looked for', async () => {
    await expect(resolvePretrained(dir, ['tokenizer.json', 'vocab.txt'])).rejects.toThrow(
      `expected tokenizer.json or vocab.txt in the folder ${dir}`,
    );
    for (const source of ['./org/name', '/no/where', 'a/b/c', 'weights.safetensors', '../x']) {
      await expect(resolveWeights(source)).rejects.toMatchObject({ code: 'CROSSCHECK_WEIGHTS_NOT_FOUND' });
    }
    await expect(downloadFromHub('a/b', ['../../x'], options())).rejects.toThrow('is no revision or file name');
    await expect(downloadFromHub('../b', ['x'], options())).rejects.toThrow('is no id of the form organisation/name');
  });

  test("and its backbone opened under the checkpoint's names", async () => {
    const { text } = architectureSchema.parse({
      text: { vocabSize: 11, maxPositions: 5, hiddenSize: 4, layers: 1, heads: 2, feedForwardSize: 6 },
    });
    const tensors = textBackboneNames(text).map(({ name, shape }) => ({
      name: `distilbert.${name}`,
      shape,
      dtype: 'F32' as const,
      data: new Float32Array(elementCount(shape)).fill(0.5),
    }));
    const local = path.join(dir, 'distilbert.safetensors');
    await writeSafetensors(local, tensors);
    hub.files.set('org/bert/model.safetensors', readFileSync(local));
    const file = await openTextBackbone('org/bert', text, options());
    expect(await file.read(`${textPrefix}embeddings.LayerNorm.bias`)).toEqual(new Float32Array(4).fill(0.5));
    await file.close();
    const wrong = openTextBackbone('org/bert', { ...text, layers: 2 }, options());
    await expect(wrong).rejects.toThrow(/16 missing: distilbert\.transformer\.layer\.1\.attention\.q_lin\.weight/);
  });
});

describe('with Python (huggingface_hub from PyPI)', () => {
  const requirements = ['huggingface_hub==2.4.0'];

  test('Python finds the files that we downloaded', async () => {
    const file = await get();
    const small = await downloadFromHub(id, ['config.json'], options());
    const code = `import json, sys
from huggingface_hub import hf_hub_download, scan_cache_dir, try_to_load_from_cache
names = ['model.safetensors', 'config.json', 'absent.txt']
found = [try_to_load_from_cache('${id}', name) for name in names]
loaded = hf_hub_download('${id}', 'model.safetensors', local_files_only=True)
print(json.dumps([found, loaded, [str(w) for w in scan_cache_dir().warnings]]))`;
    const printed = await runPython('hub', requirements, { code, env: { HF_HOME: cache } });
    expect(JSON.parse(printed)).toEqual([[file, small, null], file, []]);
  });

  test('and we find those that Python downloaded from the same server', async () => {
    const code = `from huggingface_hub import hf_hub_download
print(hf_hub_download('${id}', 'model.safetensors'))`;
    const env = { HF_HOME: cache, HF_ENDPOINT: hub.endpoint, HF_HUB_DISABLE_TELEMETRY: '1' };
    const printed = await runPython('hub', requirements, { code, env });
    expect(await get({ HF_HUB_OFFLINE: '1' })).toBe(printed.trim());
  });
});
