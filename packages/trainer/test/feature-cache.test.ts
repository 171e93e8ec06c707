import {
  appendFileSync,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openFeatureCache } from '../src/features/feature-cache.ts';
import { type RowShape, readFeatures, rowWidth, writeBatch } from '../src/features/feature-set.ts';
import { storeForNow } from '../src/features/row-storage.ts';
import { viewOf } from '../src/loop/inputs.ts';
import { copyPosts, editLine, makePosts, testFolder, trainCsv } from './support/posts.ts';
import { stepLosses } from './support/read-run.ts';
import { shortRun, type TrainedRun, trainHere } from './support/run-train.ts';

const root = temporaryFolder();
const posts = path.join(root.dir, 'posts');
beforeAll(() => makePosts(posts));
afterAll(root.remove);

const frozen = ['model.freeze_vision=true', 'model.freeze_text=true', 'evaluation.ablations=false'];
const plain = 'data.augmentation.enabled=false';

/** Trains the heads in a folder of its own; features are kept where it is said. */
function train(features: string, ...overrides: string[]): Promise<TrainedRun> {
  const dir = testFolder();
  const data = overrides.find((override) => override.startsWith('data.root_dir='))?.slice(14) ?? posts;
  return trainHere([...shortRun(data, dir), ...frozen, `training.feature_cache.dir=${features}`, ...overrides], {
    dir,
  });
}

const filesIn = (dir: string) => (existsSync(dir) ? readdirSync(dir).sort() : []);

describe('features of frozen backbones', () => {
  it('are read by a second run, which learns the same bit for bit', async () => {
    const features = testFolder();
    const first = await train(features, plain);
    expect(filesIn(features)).toHaveLength(2); // train and val
    expect(first.output).not.toContain('kept by an earlier run');
    const second = await train(features, plain);
    expect(second.output).toContain(`features of train: kept by an earlier run in ${features}`);
    expect(second.output).toContain('features of val: kept by an earlier run');
    expect(stepLosses(second.runDir)).toEqual(stepLosses(first.runDir));
    expect(filesIn(features)).toHaveLength(2);
  });

  it('are those of these backbones, pictures, words and batches, and of no others', async () => {
    const features = testFolder();
    const own = copyPosts(posts);
    const count = async (...overrides: string[]) => {
      await train(features, plain, `data.root_dir=${own}`, 'training.num_epochs=1', ...overrides);
      return filesIn(features).length;
    };
    expect(await count()).toBe(2);
    expect(await count('training.learning_rate=0.01', 'data.shuffle=false')).toBe(2);
    expect(await count('model.text.weights=null')).toBe(4); // random ones
    expect(await count('data.image_size=32')).toBe(6);
    expect(await count('training.batch_size=8')).toBe(8);
    expect(await count('model.vision.batch_norm_epsilon=0.1')).toBe(10);
    expect(await count('model.text.heads=2')).toBe(12);
    const images = path.join(own, 'images/train');
    const [one = '', two = ''] = filesIn(images);
    copyFileSync(path.join(images, one), path.join(images, two));
    expect(await count('data.on_overlap=ignore')).toBe(13);
    editLine(trainCsv(own), 3, (line) => line.replace(/,[^,]*,/, ',other words altogether,'));
    expect(await count('data.on_overlap=ignore')).toBe(14);
  });

  it('that are damaged are told and computed again, never used', async () => {
    const features = testFolder();
    const first = await train(features, plain);
    for (const name of filesIn(features)) {
      const file = path.join(features, name);
      const bytes = readFileSync(file);
      bytes[1000] = (bytes[1000] ?? 0) ^ 1;
      writeFileSync(file, bytes);
    }
    const second = await train(features, plain);
    expect(second.output).toMatch(/features of train: .* is damaged; they are computed again/);
    expect(stepLosses(second.runDir)).toEqual(stepLosses(first.runDir));
    expect((await train(features, plain)).output).toContain('kept by an earlier run');
  });

  it('stay in memory when the folder cannot be written', async () => {
    const folder = path.join(testFolder(), 'a file');
    appendFileSync(folder, 'where the folder should be');
    const { output, runDir } = await train(folder, plain);
    expect(output).toMatch(/features of train are not kept for later runs: .*training\.feature_cache\.dir/);
    expect(stepLosses(runDir)).toEqual(stepLosses((await train(testFolder(), plain)).runDir));
  });

  it('are computed in every epoch when they need more than training.feature_cache.max_bytes', async () => {
    const features = testFolder();
    const { output } = await train(features, plain, 'training.feature_cache.max_bytes=1000', 'training.num_epochs=1');
    expect(output).toMatch(
      /the features of 64 posts need \d+ bytes, more than training\.feature_cache\.max_bytes=1000/,
    );
    expect(output).not.toContain('on features computed once');
    expect(filesIn(features)).toEqual([]);
  });

  it('are not kept for others while a picture cannot be read', async () => {
    const features = testFolder();
    const own = copyPosts(posts);
    const [one = ''] = filesIn(path.join(own, 'images/train'));
    writeFileSync(path.join(own, 'images/train', one), 'no picture');
    const skipping = [`data.root_dir=${own}`, 'data.on_bad_sample=skip', plain];
    const [first, second] = [await train(features, ...skipping), await train(features, ...skipping)];
    expect(filesIn(features)).toHaveLength(1); // those of validation
    for (const run of [first, second]) expect(run.output).toMatch(/1 picture/);
    expect(stepLosses(second.runDir)).toEqual(stepLosses(first.runDir));
  });
});

describe('views', () => {
  it('of augmented pictures are kept with training.feature_cache.views', async () => {
    const features = testFolder();
    const none = await train(features, 'training.feature_cache.views=0');
    expect(none.output).not.toContain('on features computed once');
    expect(filesIn(features)).toEqual([]);
    const three = await train(features, 'training.feature_cache.views=3');
    expect(three.output).toContain('on features computed once');
    const sizes = filesIn(features).map((name) => statSync(path.join(features, name)).size);
    expect(Math.max(...sizes)).toBeGreaterThan(2 * Math.min(...sizes));
    const again = await train(features, 'training.feature_cache.views=3');
    expect(again.output).toContain('kept by an earlier run');
    expect(stepLosses(again.runDir)).toEqual(stepLosses(three.runDir));
  });

  it('are kept without being asked for, and no more of them than epochs show', async () => {
    const rowsOf = async (...overrides: string[]) => {
      const features = testFolder();
      const { output } = await train(features, ...overrides);
      expect(output).toContain('on features computed once');
      return Math.max(...filesIn(features).map((name) => statSync(path.join(features, name)).size));
    };
    const [usual, two, one] = [
      await rowsOf('training.num_epochs=3'),
      await rowsOf('training.num_epochs=2', 'training.feature_cache.views=5'),
      await rowsOf('training.num_epochs=1'),
    ];
    expect(usual).toBe(two);
    expect(one).toBeLessThan(two);
  });

  it('begin with the picture that the first epoch would show', async () => {
    const overrides = ['training.num_epochs=1', 'data.shuffle=false'];
    const recomputed = await train(testFolder(), ...overrides, 'training.feature_cache.views=0');
    const kept = await train(testFolder(), ...overrides, 'training.feature_cache.views=1');
    const [a, b] = [stepLosses(recomputed.runDir), stepLosses(kept.runDir)] as [number[], number[]];
    expect(a).toHaveLength(4);
    for (const [i, loss] of a.entries()) expect(Math.abs(loss - (b[i] as number))).toBeLessThan(1e-5);
  });

  it('are shown in turn, all of them once in as many epochs, each post beginning with another one', () => {
    const shown = (row: number, from: number) => [0, 1, 2, 3].map((i) => viewOf(5, from + i, row, 4));
    for (const row of [0, 1, 2, 3, 4, 5, 6, 7]) expect(shown(row, 3 * row).sort((a, b) => a - b)).toEqual([0, 1, 2, 3]);
    const firsts = Array.from({ length: 400 }, (_, row) => viewOf(5, 0, row, 4));
    for (const view of [0, 1, 2, 3]) expect(firsts.filter((first) => first === view).length).toBeGreaterThan(70);
    expect(viewOf(5, 2, 9, 4)).toBe(viewOf(5, 2, 9, 4));
  });
});

describe('the folder of features', () => {
  const shape: RowShape = { vision: 3, text: 2, tokens: null, views: 2 };
  const batch = {
    label: Float32Array.of(0, 1),
    vision: Float32Array.of(1, 2, 3, 4, 5, 6),
    text: Float32Array.of(7, 8, 9, 10),
    hasText: Float32Array.of(1, 0),
  };
  const write = (cache: ReturnType<typeof openFeatureCache>, key: string) => {
    const draft = cache.begin(key, shape, 2);
    writeBatch(draft.storage, shape, 0, batch);
    writeBatch(draft.storage, shape, 0, { ...batch, vision: batch.vision.map((x) => -x) }, 1);
    return draft;
  };

  it('gives back rows, views and marks as they were', () => {
    const cache = openFeatureCache(testFolder(), 1e6);
    write(cache, 'key').finish(2, true).close();
    const found = cache.find('key', shape);
    if (found === null || found === 'damaged') throw new Error('it was just written');
    const { features } = found;
    expect(features).toMatchObject({ size: 2, label: batch.label, hasText: batch.hasText });
    expect(features.hasImage).toBeUndefined();
    expect([...features.vision(Int32Array.of(1, 0, 1), Int32Array.of(0, 1, 1))]).toEqual([
      4, 5, 6, -1, -2, -3, -4, -5, -6,
    ]);
    expect(features.text(Int32Array.of(1, 0))).toEqual({ features: Float32Array.of(9, 10, 7, 8) });
    found.close();
  });

  it('keeps the features of every token beside its mask, as long as the longest text that is asked for', () => {
    const ofTokens: RowShape = { vision: 4, text: 2, tokens: { places: 5, multiple: 1 }, views: 1 };
    const { storage } = storeForNow(2, rowWidth(ofTokens));
    writeBatch(storage, ofTokens, 0, {
      label: Float32Array.of(0, 1),
      vision: Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8),
      text: Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0),
      length: 3,
      attentionMask: Int32Array.of(1, 1, 1, 1, 0, 0),
    });
    const set = readFeatures(storage, ofTokens, 2);
    expect([...set.vision(Int32Array.of(1))]).toEqual([5, 6, 7, 8]);
    const both = { features: Float32Array.of(7, 8, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6), length: 3 };
    expect(set.text(Int32Array.of(1, 0))).toEqual({ ...both, attentionMask: Int32Array.of(1, 0, 0, 1, 1, 1) });
    const alone = { features: Float32Array.of(7, 8), length: 1, attentionMask: Int32Array.of(1) };
    expect(set.text(Int32Array.of(1))).toEqual(alone);
  });

  it('shows a file only when it is whole, whoever writes it at the same time', () => {
    const dir = testFolder();
    const [one, other] = [openFeatureCache(dir, 1e6), openFeatureCache(dir, 1e6)];
    const [first, second] = [write(one, 'key'), write(other, 'key')];
    expect(one.find('key', shape)).toBeNull();
    first.finish(2, true).close();
    expect(other.find('key', shape)).toMatchObject({ features: { size: 2 } });
    second.finish(2, true).close();
    expect(filesIn(dir)).toEqual(['key']);
    write(one, 'stopped').discard();
    write(one, 'unwanted').finish(2, false).close();
    expect(filesIn(dir)).toEqual(['key']);
  });

  it('counts a file under another name, a cut one and one of another shape as damaged', () => {
    const dir = testFolder();
    const cache = openFeatureCache(dir, 1e6);
    write(cache, 'key').finish(2, true).close();
    copyFileSync(path.join(dir, 'key'), path.join(dir, 'other'));
    writeFileSync(path.join(dir, 'cut'), readFileSync(path.join(dir, 'key')).subarray(0, 20));
    expect(cache.find('other', shape)).toBe('damaged');
    expect(cache.find('cut', shape)).toBe('damaged');
    expect(cache.find('key', { ...shape, views: 3 })).toBe('damaged');
  });

  it('makes room by deleting what earlier runs used longest ago, and takes nothing when that is not enough', () => {
    const dir = testFolder();
    const bytes = 2 * rowWidth(shape) * 4 + 4;
    const old = openFeatureCache(dir, 2 * bytes);
    write(old, 'old').finish(2, true).close();
    utimesSync(path.join(dir, 'old'), 0, 0);
    const later = openFeatureCache(dir, 2 * bytes);
    write(later, 'one').finish(2, true).close();
    write(later, 'two').finish(2, true).close();
    expect(filesIn(dir)).toEqual(['one', 'two']);
    expect(() => later.begin('three', shape, 2)).toThrow('other runs');
  });
});
