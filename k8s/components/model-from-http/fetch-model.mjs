// Fetches the artifact folder at MODEL_URL into /model and checks every file against the sums in its artifact.json. Run by an init container, in the
// image of the service, before the service starts; a pod that is restarted finds what it has.
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

const { MODEL_URL: url, MODEL_DIR: dir = '/model', MODEL_TOKEN: token, MODEL_ATTEMPTS: attempts = '5' } = process.env;
if (!url) throw new Error('MODEL_URL is not set: it is the address of the folder that holds artifact.json');

async function get(name) {
  const address = `${url.replace(/\/$/, '')}/${name}`;
  const response = await fetch(address, { headers: token ? { authorization: `Bearer ${token}` } : {} });
  if (!response.ok) throw new Error(`${address} answers ${response.status} ${response.statusText}`);
  return response;
}

async function sha256(file) {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

async function download(name, wanted) {
  const file = path.join(dir, name);
  if (existsSync(file) && (await sha256(file)) === wanted) return console.log(`${name} is there`);
  const { body } = await get(name);
  await pipeline(Readable.fromWeb(body), createWriteStream(`${file}.partial`));
  const got = await sha256(`${file}.partial`);
  if (got !== wanted) throw new Error(`${name} has sha256 ${got}, but artifact.json says ${wanted}`);
  await rename(`${file}.partial`, file);
  console.log(`${name} fetched`);
}

async function persist(work) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt >= Number(attempts)) throw error;
      console.error(`attempt ${attempt} of ${attempts}: ${error.message}`);
      await new Promise((resolve) => setTimeout(resolve, 1000 * 2 ** (attempt - 1)));
    }
  }
}

const manifest = await persist(async () => (await get('artifact.json')).text());
const { sha256: sums } = JSON.parse(manifest);
for (const [name, sum] of Object.entries(sums)) {
  if (path.basename(name) !== name) throw new Error(`artifact.json names ${name}, which is no plain file name`);
  await persist(() => download(name, sum));
}
await writeFile(path.join(dir, 'artifact.json'), manifest);
