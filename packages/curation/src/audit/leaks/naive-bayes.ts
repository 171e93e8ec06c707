import type { LabelId } from '@crosscheck/contract';

/** How many posts of each class there are, and how many of each hold a feature. */
interface Counts {
  posts: [number, number];
  byFeature: Map<string, [number, number]>;
}

export interface LabelledFeatures {
  label: LabelId;
  /** Each at most once. */
  features: readonly string[];
}

export function countFeatures(posts: readonly LabelledFeatures[]): Counts {
  const counts: Counts = { posts: [0, 0], byFeature: new Map() };
  for (const { label, features } of posts) {
    counts.posts[label]++;
    for (const feature of features) {
      const seen = counts.byFeature.get(feature) ?? [0, 0];
      seen[label]++;
      counts.byFeature.set(feature, seen);
    }
  }
  return counts;
}

/** Features of a single post say nothing about others. */
const MIN_POSTS = 2;

/**
 * A naive Bayes classifier on the presence of features, with add-one smoothing (Manning, Raghavan and Schütze 2008, chapter 13). It
 * learns nothing but which features go with which label: what it gets right, the features give away.
 *
 * @returns the log odds of FAKE
 */
export function trainNaiveBayes(posts: readonly LabelledFeatures[]): (features: readonly string[]) => number {
  const { posts: sizes, byFeature } = countFeatures(posts);
  const known = [...byFeature].filter(([, [real, fake]]) => real + fake >= MIN_POSTS);
  const total = (label: LabelId) => known.reduce((sum, [, counts]) => sum + counts[label], known.length);
  const totals = [total(0), total(1)] as const;
  const weights = new Map(
    known.map(([feature, [real, fake]]) => [
      feature,
      Math.log((fake + 1) / totals[1]) - Math.log((real + 1) / totals[0]),
    ]),
  );
  const prior = Math.log((sizes[1] + 1) / (sizes[0] + 1));
  return (features) => features.reduce((sum, feature) => sum + (weights.get(feature) ?? 0), prior);
}

/** Information that the presence of a feature gives about the label, in bits (Manning et al., 13.5.1). */
export function mutualInformation(
  [realWith, fakeWith]: readonly [number, number],
  [real, fake]: readonly [number, number],
): number {
  const all = real + fake;
  const cells = [
    { joint: realWith, feature: realWith + fakeWith, label: real },
    { joint: fakeWith, feature: realWith + fakeWith, label: fake },
    { joint: real - realWith, feature: all - realWith - fakeWith, label: real },
    { joint: fake - fakeWith, feature: all - realWith - fakeWith, label: fake },
  ];
  const bits = cells.map(({ joint, feature, label }) =>
    joint === 0 ? 0 : (joint / all) * Math.log2((joint * all) / (feature * label)),
  );
  return Math.max(
    0,
    bits.reduce((sum, part) => sum + part, 0),
  );
}
