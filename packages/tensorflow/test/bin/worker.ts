// One worker: argv holds the addresses, this one's rank and what to do; prints JSON.
import { enterCluster } from '@crosscheck/tensorflow/cluster';

const [addresses = '', rank = '', what = ''] = process.argv.slice(2);
enterCluster({ addresses: addresses.split(','), rank: Number(rank) });
const { allReduce, allReduceBfloat16, checkPeer, openCollectives, abortCollectives, tf, toBfloat16 } = await import(
  '@crosscheck/tensorflow'
);
const { addresses: peers } = openCollectives();
const say = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`);
const size = 1000;

/** Numbers whose sum depends on the order in which they are added. */
const numbers = () => tf.randomUniform([size], -1, 1, 'float32', 17 + Number(rank));

const programs: Record<string, () => Promise<void>> = {
  async sum() {
    const before = tf.memory().numTensors;
    const own = numbers();
    const [first, again] = [await allReduce(own, 1), await allReduce(own, 1)];
    const half = toBfloat16(own);
    const rounded = await allReduceBfloat16(half, 2);
    half.dispose();
    say({
      own: [...(await own.data())],
      sum: Buffer.from((await first.data()).buffer).toString('hex'),
      isSame: tf.equal(first, again).all().dataSync()[0] === 1,
      rounded: [...(await rounded.data())],
    });
    tf.dispose([own, first, again, rounded]);
    say({ tensors: tf.memory().numTensors - before - 2 }); // those of isSame
  },
  async exit() {
    await allReduce(numbers(), 1);
    if (rank === '1') process.kill(process.pid, 'SIGKILL');
    await allReduce(numbers(), 1).catch((error: Error) => say({ message: error.message }));
    await allReduce(numbers(), 1).catch((error: Error) => say({ later: error.message }));
    say({ local: tf.ones([2]).add(1).dataSync()[0] });
  },
  async freeze() {
    await allReduce(numbers(), 1);
    // What it still has to hand over goes first.
    if (rank === '1') setTimeout(() => process.kill(process.pid, 'SIGSTOP'), 300);
    if (rank === '1') return;
    await new Promise((end) => setTimeout(end, 600));
    const end = setTimeout(() => abortCollectives('no answer within 1 s'), 1000);
    const asked = allReduce(numbers(), 1).catch((error: Error) => say({ message: error.message }));
    await checkPeer(1, 300).catch((error: Error) => say({ peer: error.message }));
    await asked;
    clearTimeout(end);
  },
};
for (let peer = 0; peer < peers.length; peer++) {
  const isThere = () =>
    checkPeer(peer, 1000).then(
      () => true,
      () => false,
    );
  while (!(await isThere())) await new Promise((end) => setTimeout(end, 50));
}
await programs[what]?.();
