import type { LabelId } from '@crosscheck/contract';
import { describe, expect, test } from 'vitest';
import { holdOut, scoreHeldOut } from '../../src/audit/leaks/held-out.ts';
import { findPropertyLeaks, sureLiftOf } from '../../src/audit/leaks/properties.ts';
import { findWordLeak } from '../../src/audit/leaks/words.ts';
import type { AuditedPost } from '../../src/audit/posts.ts';

function post(split: string, label: LabelId, i: number): AuditedPost {
  const sample = {
    text: `post number ${i} of ${split}`,
    imagePath: `/${i}.jpg`,
    label,
    file: 'x.csv',
    line: i,
    row: {},
  };
  return { split, sample, label, picture: null, fault: null, detail: '' };
}

const some = (split: string, fake: number, real: number) => [
  ...Array.from({ length: fake }, (_, i) => post(split, 1, i)),
  ...Array.from({ length: real }, (_, i) => post(split, 0, fake + i)),
];

describe('the baseline of held-out posts is the best constant guess on them', () => {
  // FAKE is commoner in training, REAL in validation: guessing what training suggests is right on 38.5 %.
  const posts = [...some('train', 600, 400), ...some('val', 77, 123)];

  test('whatever class is commoner in training', () => {
    expect(scoreHeldOut(holdOut(posts), () => 1)).toMatchObject({ baseline: 0.615, accuracy: { value: 0.385 } });
    expect(scoreHeldOut(holdOut(posts), () => 0)).toMatchObject({ baseline: 0.615, accuracy: { value: 0.615 } });
  });

  test('so that no constant guess has a lift, for words and for properties', () => {
    const leaks = [findWordLeak(posts).bagOfWords, ...findPropertyLeaks(posts, [])];
    for (const leak of leaks) {
      expect(leak.baseline).toBe(0.615);
      expect(sureLiftOf(leak)).toBeLessThan(0);
    }
  });
});
