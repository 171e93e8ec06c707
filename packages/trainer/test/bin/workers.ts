// A worker that joins the others as `pnpm train` does and does what it is told: argv holds that, and overrides of the config. Prints lines of JSON.
import { composeConfig, trainConfigSchema } from '@crosscheck/config';
import { runProgram } from '@crosscheck/contract';
import { joinWorkers } from '../../src/distributed/join.ts';

const [what = '', ...overrides] = process.argv.slice(2);
const say = (value: unknown) => void process.stdout.write(`${JSON.stringify(value)}\n`);

async function main(): Promise<void> {
  const { config } = composeConfig({ configName: 'config', schema: trainConfigSchema, overrides });
  const workers = await joinWorkers(config, () => {});
  const { tf } = await import('@crosscheck/tensorflow');
  const { rank, world } = workers;
  say({ rank, world });
  /** More than one bucket, one of them cut, a scalar and an empty one. */
  const shapes = [[3, 4], [], [6_500_000], [0, 5], [17]];
  const own = () => shapes.map((shape) => tf.randomUniform(shape, -1, 1, 'float32', rank + 1));
  const programs: Record<string, () => Promise<void>> = {
    async sum() {
      const before = tf.memory().numTensors;
      for (let round = 0; round < 2; round++) {
        const given = own();
        const { tensors, also } = await workers.sum(given, Float32Array.of(1 / 3, rank, 2 ** 20 + rank));
        const everybody = Array.from({ length: world }, (_, each) =>
          shapes.map((shape) => tf.randomUniform(shape, -1, 1, 'float32', each + 1)),
        );
        const errors = tensors.map((tensor, i) =>
          tensor.size === 0
            ? 0
            : tf.tidy(
                () =>
                  tf
                    .addN(everybody.map((each) => each[i] as (typeof tensors)[number]))
                    .sub(tensor)
                    .abs()
                    .max()
                    .dataSync()[0],
              ),
        );
        const { createHash } = await import('node:crypto');
        const hash = createHash('sha256');
        for (const tensor of tensors) hash.update(new Uint8Array((await tensor.data()).buffer));
        say({ errors, also: [...also], shapes: tensors.map(({ shape }) => shape), digest: hash.digest('hex') });
        tf.dispose([given, tensors, everybody]);
      }
      const alone = await workers.sum([], Float32Array.of(2));
      say({ alone: [...alone.also], tensors: tf.memory().numTensors - before });
    },
    async gather() {
      const texts = ['', 'ä'.repeat(3), 'long '.repeat(40_000)];
      say({
        gathered: (await workers.gather({ rank, text: texts[rank] })).map(({ rank: r, text }) => [r, text?.length]),
      });
      say({ nothing: await workers.gather(null) });
    },
    async kill() {
      await workers.gather(rank);
      if (rank === world - 1) process.kill(process.pid, 'SIGKILL');
      await workers.gather(rank);
    },
    async leave() {
      await workers.gather(rank);
      if (rank === world - 1) process.exit(0);
      await workers.gather(rank);
    },
    async freeze() {
      await workers.gather(rank);
      if (rank === world - 1) setTimeout(() => process.kill(process.pid, 'SIGSTOP'), 200);
      await new Promise((resolve) => setTimeout(resolve, 400));
      await workers.gather(rank);
    },
    async busy() {
      await workers.gather(rank);
      // Longer than timeout_seconds, without a turn for anything else.
      if (rank === world - 1) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3000);
      say({ gathered: await workers.gather(rank) });
    },
    async absent() {
      await workers.gather(rank);
      if (rank === world - 1) await new Promise((resolve) => setTimeout(resolve, 60_000));
      await workers.gather(rank);
    },
  };
  await programs[what]?.();
  await workers.close();
}

await runProgram(main);
