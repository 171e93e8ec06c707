// Decodes pictures one after the other in one thread; answers as peers/decoding.py does.
//
//   node decode/ours.ts POSTS.json SIZE direct|exact
//
// direct: as `decodeImage` does. exact: always by sharp, and resampled.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { decodePixels, readHeader } from '../../packages/preprocess/src/image/decode-pixels.ts';
import { resample } from '../../packages/preprocess/src/image/resample.ts';
import { decodeImage } from '../../packages/preprocess/src/index.ts';

const [file = '', size = '224', way = 'direct'] = process.argv.slice(2);
const posts = JSON.parse(readFileSync(file, 'utf8')) as { image: string }[];
const pictures = [...new Set(posts.map(({ image }) => image))].map((image) => readFileSync(image));

const ways: Record<string, (picture: Buffer, side: number) => Promise<Uint8Array>> = {
  direct: (picture, side) => decodeImage(picture, { size: side }),
  exact: async (picture, side) =>
    resample(await decodePixels(picture, 'jpeg', await readHeader(picture, 'jpeg'), side), side),
};

const answer = (content: object) => process.stdout.write(`${JSON.stringify(content)}\n`);

answer({ ready: true, version: `node ${process.version}` });
for await (const line of createInterface({ input: process.stdin })) {
  const [start, startOfWork] = [performance.now(), process.cpuUsage()];
  for (let round = 0; round < Number(line); round++)
    for (const picture of pictures) await ways[way]?.(picture, Number(size));
  const { user, system } = process.cpuUsage(startOfWork);
  answer({ seconds: (performance.now() - start) / 1000, cpuSeconds: (user + system) / 1e6 });
}
answer({ peakBytes: process.resourceUsage().maxRSS * 1024 });
