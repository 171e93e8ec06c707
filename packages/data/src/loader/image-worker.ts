import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '@crosscheck/contract';
import type { WorkerAnswer, WorkerOrder } from './image-source.ts';
import { type ImageSettings, openImageReader } from './load-images.ts';

const load = openImageReader(workerData as ImageSettings);
const port = parentPort;

async function answer({ id, job }: Exclude<WorkerOrder, 'close'>): Promise<void> {
  try {
    const loaded = await load(job);
    port?.postMessage({ id, loaded } satisfies WorkerAnswer, [loaded.image.buffer]);
  } catch (error) {
    port?.postMessage({ id, error: messageOf(error) } satisfies WorkerAnswer);
  }
}

port?.on('message', (order: WorkerOrder) => {
  if (order === 'close') port.close();
  else void answer(order);
});
