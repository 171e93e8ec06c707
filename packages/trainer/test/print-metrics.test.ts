import path from 'node:path';
import { temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { printMetrics } from '../src/consumers/print-metrics.ts';
import { epochEvent } from './support/events.ts';
import { makePosts, testFolder } from './support/posts.ts';
import { shortRun, trainHere } from './support/run-train.ts';
import { composeTiny } from './support/tiny-step.ts';

const folder = temporaryFolder();
const posts = path.join(folder.dir, 'posts');
beforeAll(() => makePosts(posts));
afterAll(() => folder.remove());

/** DefaultFilter of kubeflow/katib, pkg/metricscollector/v1beta1/common/const.go. */
const katibFilter = /([\w|-]+)\s*=\s*([+-]?\d*(\.\d+)?([Ee][+-]?\d+)?)/g;

/** What Katib's collector makes of a log: lines with a known metric, their time, every match of its filter with that name. */
function collect(log: string, metrics: string[]) {
  return log
    .split('\n')
    .filter((line) => metrics.some((metric) => line.includes(metric)))
    .flatMap((line) =>
      [...line.matchAll(katibFilter)]
        .filter(([, name]) => metrics.includes(name ?? ''))
        .map(([, name, value]) => ({ time: line.split(' ')[0] ?? '', name, value: Number(value) })),
    );
}

describe('metrics of a run', () => {
  test('are printed as Katib reads them with training.print_metrics', async () => {
    const dir = testFolder();
    const { output, result } = await trainHere([...shortRun(posts, dir), 'training.print_metrics=true'], { dir });
    const found = collect(output, ['val_accuracy', 'val_loss']);
    expect(found.map(({ name }) => name)).toEqual(['val_loss', 'val_accuracy', 'val_loss', 'val_accuracy']);
    for (const { time } of found) expect(new Date(time).toISOString()).toBe(time);
    const best = Math.max(...found.filter(({ name }) => name === 'val_accuracy').map(({ value }) => value));
    expect(best).toBe(result.metrics?.['val/accuracy']);
  });

  test('are not printed unless that is asked for', async () => {
    const dir = testFolder();
    const { output } = await trainHere(shortRun(posts, dir), { dir });
    expect(collect(output, ['val_accuracy', 'val_loss', 'train_loss'])).toEqual([]);
  });

  test('that are not finite are left out: Katib would end its collector over an empty number', () => {
    let text = '';
    const consumer = printMetrics({ write: (part) => (text += part) }, () => new Date(0));
    const { phase } = composeTiny();
    void consumer.on(epochEvent(phase, {}, { 'train/loss': Number.NaN, 'val/auc': 0.5, learning_rate: 1e-7 }));
    expect(text).toBe('1970-01-01T00:00:00.000Z val_auc=0.5\n1970-01-01T00:00:00.000Z learning_rate=1e-7\n');
  });
});
