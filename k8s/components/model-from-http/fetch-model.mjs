// Fetches the artifact folder at MODEL_URL into MODEL_DIR and checks every file against the sums in its artifact.json; started again, it finds what is there
// and goes on with what it had begun. With --wait it fetches nothing, and ends when another one has done so. Stands alone, so that any image with Node runs
// it; over node:http, because a server that closes while fetch's reader is slow can end the process (undici #5360).
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';

const {
  MODEL_URL: url,
  MODEL_DIR: dir = '/model',
  MODEL_TOKEN: token,
  MODEL_ATTEMPTS: attempts = '5',
  MODEL_SILENCE_MS: silenceMs = '60000',
} = process.env;
const isWaiting = process.argv.includes('--wait');
if (!url && !isWaiting)
  throw new Error('MODEL_URL is not set: it is the address of the folder that holds artifact.json');

const agents = {
  'http:': new http.Agent({ keepAlive: true, proxyEnv: process.env }),
  'https:': new https.Agent({ keepAlive: true, proxyEnv: process.env }),
};
const isHere = ({ hostname }) => /^(localhost|127\.[\d.]+|\[::1\])$/.test(hostname);

/** The head of an answer; its body is to be read. */
function ask(address, headers) {
  return new Promise((resolve, reject) => {
    const client = address.protocol === 'https:' ? https : http;
    const agent = isHere(address) ? undefined : agents[address.protocol];
    const request = client.get(address, { headers, agent });
    request.setTimeout(Number(silenceMs), () => request.destroy(new Error(`${address} is silent for ${silenceMs} ms`)));
    request.on('response', (response) => resolve(response.on('error', () => {})));
    request.on('error', reject);
    request.on('close', () => reject(new Error(`${address} closed without an answer`)));
  });
}

/** Follows redirects; to another origin the token does not go along. */
async function get(name, headers = {}) {
  const start = new URL(`${url.replace(/\/$/, '')}/${encodeURIComponent(name)}`);
  let address = start;
  for (let redirects = 0; redirects <= 5; redirects++) {
    if (!(address.protocol in agents)) throw new Error(`expected http:// or https://, got ${address.protocol}//`);
    const mayKnow = token && address.origin === start.origin;
    const response = await ask(address, { ...headers, ...(mayKnow && { authorization: `Bearer ${token}` }) });
    const { statusCode, statusMessage } = response;
    if (statusCode === 200 || statusCode === 206 || statusCode === 416) return response;
    response.destroy();
    const { location } = response.headers;
    if (statusCode < 300 || statusCode >= 400 || !location)
      throw new Error(`${address} answers ${statusCode} ${statusMessage}`);
    address = new URL(location, address);
  }
  throw new Error(`${start} leads from one address to the next without an end`);
}

async function sha256(file) {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

/** Adds to what an earlier attempt left, where the server gives parts; begins anew where it does not. Returns whether something was left. */
async function receive(name, partial) {
  const had = existsSync(partial) ? statSync(partial).size : 0;
  const response = await get(name, had > 0 ? { range: `bytes=${had}-` } : {});
  const goesOn = response.statusCode === 206 && response.headers['content-range']?.startsWith(`bytes ${had}-`);
  if (goesOn || response.statusCode === 200)
    await pipeline(response, createWriteStream(partial, { flags: goesOn ? 'a' : 'w' }));
  else response.destroy(); // 416: nothing follows what is there; or another part than the one wanted
  return had > 0 && response.statusCode !== 200;
}

/** What was left may be of another file: then it is fetched anew, once. */
async function receiveWhole(name, partial, wanted) {
  for (;;) {
    const wasBegun = await receive(name, partial);
    const got = await sha256(partial);
    if (got === wanted) return;
    rmSync(partial);
    if (!wasBegun) throw new Error(`${name} has sha256 ${got}, but artifact.json says ${wanted}`);
  }
}

async function download(name, wanted) {
  const file = path.join(dir, name);
  if (existsSync(file) && (await sha256(file)) === wanted) return console.log(`${name} is there`);
  await receiveWhole(name, `${file}.partial`, wanted);
  await rename(`${file}.partial`, file);
  console.log(`${name} fetched`);
}

async function persist(work) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt >= Number(attempts)) throw error;
      console.error(`attempt ${attempt} of ${attempts}: ${error.message || error.code}`);
      await new Promise((resolve) => setTimeout(resolve, 1000 * 2 ** (attempt - 1)));
    }
  }
}

function parseSums(manifest) {
  const sums = Object.entries(JSON.parse(manifest).sha256);
  const odd = sums.find(([name]) => path.basename(name) !== name);
  if (odd) throw new Error(`artifact.json names ${odd[0]}, which is no plain file name`);
  return sums;
}

/** artifact.json comes last, whole under its name: where it is, the other files are. */
async function fetchAll() {
  mkdirSync(dir, { recursive: true });
  const manifest = await persist(async () => text(await get('artifact.json')));
  for (const [name, sum] of parseSums(manifest)) await persist(() => download(name, sum));
  await writeFile(path.join(dir, 'artifact.json.partial'), manifest);
  await rename(path.join(dir, 'artifact.json.partial'), path.join(dir, 'artifact.json'));
}

async function waitForAll() {
  const manifest = path.join(dir, 'artifact.json');
  if (!existsSync(manifest)) console.log(`waiting for ${manifest}`);
  while (!existsSync(manifest)) await new Promise((resolve) => setTimeout(resolve, 1000));
  for (const [name, sum] of parseSums(readFileSync(manifest, 'utf8'))) {
    const got = await sha256(path.join(dir, name));
    if (got !== sum) throw new Error(`${name} has sha256 ${got}, but artifact.json says ${sum}`);
  }
  console.log(`${dir} is whole`);
}

await (isWaiting ? waitForAll() : fetchAll());
for (const agent of Object.values(agents)) agent.destroy();
