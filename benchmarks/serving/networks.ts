// Networks alone, in turns: `pnpm bench:networks FOLDER…` with artifacts that pnpm export wrote, the first of which the others are compared with.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { Artifact } from '@crosscheck/contract';
import { type ModelInputs, openOnnxSession } from '@crosscheck/inference';
import { median } from '../results.ts';

const help = `Usage: pnpm bench:networks [--runs N] [--tokens N] ARTIFACT…

Runs the network of each artifact in turns in one process, one thread each, a lone post and batches of four, and prints processor milliseconds for a post:
the median and the least, and how many times as long the first artifact takes. Other programs on the machine disturb all alike.
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: 'string', default: '31' },
    tokens: { type: 'string', default: '20' },
    help: { type: 'boolean', default: false },
  },
});
const say = (line: string) => void process.stdout.write(`${line}\n`);

function inputsOf({ preprocessing }: Pick<Artifact, 'preprocessing'>, size: number, length: number): ModelInputs {
  const pixels = size * 3 * preprocessing.imageSize ** 2;
  return {
    size,
    length,
    image: Float32Array.from({ length: pixels }, (_, i) => Math.sin(i)),
    inputIds: Int32Array.from({ length: size * length }, (_, i) => 1000 + ((i * 7919) % 20_000)),
    attentionMask: new Int32Array(size * length).fill(1),
  };
}

async function open(folder: string) {
  const artifact = JSON.parse(readFileSync(path.join(folder, 'artifact.json'), 'utf8')) as Artifact;
  const { preprocessing } = artifact;
  const session = await openOnnxSession(path.join(folder, 'multimodal_model.onnx'), { threads: 1, preprocessing });
  return { folder, artifact, session };
}

async function measure(networks: Awaited<ReturnType<typeof open>>[], size: number): Promise<number[][]> {
  const spent: number[][] = networks.map(() => []);
  for (let run = 0; run < Number(values.runs); run++)
    for (const [i, { artifact, session }] of networks.entries()) {
      const inputs = inputsOf(artifact, size, Number(values.tokens));
      const before = process.cpuUsage();
      await session.run(inputs);
      const { user, system } = process.cpuUsage(before);
      spent[i]?.push((user + system) / 1000 / size);
    }
  return spent;
}

if (values.help || positionals.length === 0) say(help);
else {
  const networks = await Promise.all(positionals.map(open));
  for (const size of [1, 4]) {
    const spent = await measure(networks, size);
    const [base] = spent as [number[]];
    say(`\n| batches of ${size} | median ms | least ms | times as fast |\n|---|---|---|---|`);
    for (const [i, { folder }] of networks.entries()) {
      const [middle, least] = [median(spent[i] as number[]), Math.min(...(spent[i] as number[]))];
      const faster = `${(median(base) / middle).toFixed(2)} (${(Math.min(...base) / least).toFixed(2)})`;
      say(`| ${folder} | ${middle.toFixed(1)} | ${least.toFixed(1)} | ${faster} |`);
    }
  }
  for (const { session } of networks) await session.close();
}
