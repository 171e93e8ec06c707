// Replaces a pod under load, as a rollout does, and counts the requests that fail. Needs podman; the image of the manifest must be there.
//
//   pnpm k8s:drill --image picture.jpg [--clients 4] [--close] [--serve-image IMAGE]
//
// --close opens a connection for every request; --serve-image takes another image than the manifest's
//
// The manifest is played as it is. podman knows no Service and runs no preStop hook, so this script does what the control plane does: the pod leaves the
// routes a second after its deletion, and gets SIGTERM when the hook's pause is over.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Document, parseAllDocuments } from 'yaml';
import { Load } from './load.ts';
import { asReplica, type Pod, play, podman, takeDown, terminate, untilReady } from './podman.ts';

const root = path.resolve(import.meta.dirname, '../..');
const { values } = parseArgs({
  options: {
    manifest: { type: 'string', default: path.join(root, 'k8s-onnx-deployment.yaml') },
    image: { type: 'string' },
    'serve-image': { type: 'string' },
    clients: { type: 'string', default: '4' },
    close: { type: 'boolean', default: false },
  },
});
if (!values.image) throw new Error('usage: pnpm k8s:drill --image picture.jpg [--clients 4] [--close]');
const say = (line: string) => process.stdout.write(`${line}\n`);
const manifest = readFileSync(values.manifest, 'utf8');
const folder = mkdtempSync(path.join(tmpdir(), 'crosscheck-drill-'));

/** How long a pod has, from the manifest itself. */
function readTimes(): { preStopSeconds: number; graceSeconds: number } {
  const deployment = (parseAllDocuments(manifest) as Document[]).find(
    (document) => document.get('kind') === 'Deployment',
  );
  const spec = ['spec', 'template', 'spec'];
  return {
    graceSeconds: deployment?.getIn([...spec, 'terminationGracePeriodSeconds']) as number,
    preStopSeconds: deployment?.getIn([...spec, 'containers', 0, 'lifecycle', 'preStop', 'sleep', 'seconds']) as number,
  };
}

const running: Pod[] = [];
let nextPort = 18_000;

async function start(name: string): Promise<Pod> {
  const file = path.join(folder, `${name}.yaml`);
  const { 'serve-image': serveImage } = values;
  const image = serveImage === undefined ? {} : { image: serveImage };
  writeFileSync(file, asReplica(manifest, { name, hostPort: nextPort++, ...image }));
  const pod = await play(file, name);
  running.push(pod);
  return pod;
}

const { preStopSeconds, graceSeconds } = readTimes();
try {
  const pods = { old: await start('crosscheck-old'), other: await start('crosscheck-other') };
  for (const pod of running) await untilReady(pod);
  say(`two pods are ready: ${running.map(({ url }) => url).join(', ')}`);
  const post = { text: 'Flood waters rise in the old town', image: readFileSync(values.image) };
  const options = { clients: Number(values.clients), keepAlive: !values.close };
  const load = new Load([pods.old.url, pods.other.url], post, options);
  await sleep(3000);

  say('deleting one: out of the routes in 1 s, SIGTERM after its preStop pause');
  await sleep(1000);
  load.route([pods.other.url]);
  await sleep((preStopSeconds - 1) * 1000);
  const exitCode = await terminate(pods.old, graceSeconds - preStopSeconds);
  say(`it ended with exit code ${exitCode}`);
  if (exitCode !== 0) say(await podman('logs', '--tail', '5', pods.old.container));
  await takeDown(pods.old);
  running.shift();

  const fresh = await start('crosscheck-new');
  await untilReady(fresh);
  say('its replacement is ready');
  load.route([pods.other.url, fresh.url]);
  await sleep(3000);
  await load.end();

  const total = [...load.outcomes.values()].reduce((sum, count) => sum + count, 0);
  const failed = total - (load.outcomes.get('200') ?? 0);
  const details = [...load.outcomes].map(([outcome, count]) => `${outcome}: ${count}`).join(', ');
  say(`${total} requests, ${failed} failed (${details})`);
  process.exitCode = failed === 0 && exitCode === 0 ? 0 : 1;
} finally {
  for (const pod of running) await takeDown(pod);
  rmSync(folder, { recursive: true, force: true });
}
