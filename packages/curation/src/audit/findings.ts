import { labelNames } from '@crosscheck/contract';
import { type Duplicates, findDuplicates, type Likeness, likenesses } from '../inspect/find-duplicates.ts';
import { findIdColumn } from '../inspect/id-columns.ts';
import { type InspectedPost } from '../inspect/inspect-posts.ts';
import type { AuditedPost, AuditInput } from './posts.ts';

/** Everything that can be wrong with rows, in the order of the report. */
export const findingKinds = {
  unusable_row: 'Rows that cannot be read: wrong number of cells, or a label that is not 0 or 1',
  missing_picture: 'Rows whose picture is not there',
  unreadable_picture: 'Pictures that cannot be decoded to their end',
  tiny_picture: 'Pictures too small to show anything',
  flat_picture: 'Pictures of one colour',
  placeholder_picture: 'Pictures that stand for deleted ones: known by hash, or shared by many rows',
  blank_text: 'Posts without words',
  label_meaning: "Labels that contradict Fakeddit's own columns: there, 2_way_label 1 and 6_way_label 0 are true posts",
  label_conflict: 'The same picture with the same words, as REAL and as FAKE',
  overlap_id: 'The same id in two splits',
  overlap_picture: 'The same picture file in two splits',
  overlap_near_picture: 'Nearly the same picture in two splits',
  overlap_text: 'The same words in two splits',
  overlap_near_text: 'Nearly the same words in two splits',
  duplicate_id: 'The same id twice in one split',
  duplicate_picture: 'The same picture file twice in one split',
  duplicate_near_picture: 'Nearly the same picture twice in one split',
  duplicate_text: 'The same words twice in one split',
  duplicate_near_text: 'Nearly the same words twice in one split',
} as const;

export type FindingKind = keyof typeof findingKinds;

export interface RowReference {
  split: string;
  /** 1-based line in the split's file. */
  line: number;
  label: string | null;
  text: string;
  /** Absolute; null when the row names none that exists. */
  image: string | null;
}

/** One row, or rows that belong together. */
export interface Finding {
  kind: FindingKind;
  detail: string;
  rows: RowReference[];
}

const faultKinds = {
  unreadable: 'unreadable_picture',
  tiny: 'tiny_picture',
  flat: 'flat_picture',
  placeholder: 'placeholder_picture',
} as const;

/** All findings about single rows and about rows that are alike. */
export function collectFindings(input: AuditInput, posts: readonly AuditedPost[]): Finding[] {
  return [
    ...input.problems.map(({ split, line, code, message, row }): Finding => {
      const kind = code === 'CROSSCHECK_DATA_MISSING_IMAGE' ? 'missing_picture' : 'unusable_row';
      const text = row === undefined ? '' : Object.values(row).join(' · ');
      return { kind, detail: message, rows: [{ split, line, label: null, text, image: null }] };
    }),
    ...posts.flatMap(findFaults),
    ...posts.flatMap(findContradiction),
    ...findRepeatedIds(input, posts),
    ...findLikeness(posts),
  ];
}

function findFaults(post: AuditedPost): Finding[] {
  const rows = [refer(post)];
  return [
    ...(post.fault === null ? [] : [{ kind: faultKinds[post.fault], detail: post.detail, rows }]),
    ...(post.sample.text.trim() === '' ? [{ kind: 'blank_text' as const, detail: '', rows }] : []),
  ];
}

// What each of Fakeddit's columns says of a true post.
const truePost = { '2_way_label': '1', '3_way_label': '0', '6_way_label': '0' };

/** Fakeddit's `2_way_label` counts the other way round than ours: whoever copies it trains on the opposite of every label. */
function findContradiction(post: AuditedPost): Finding[] {
  const votes = Object.entries(truePost).flatMap(([column, trueValue]) => {
    const value = (post.sample.row[column] ?? '').trim().replace(/\.0$/, '');
    return value === '' ? [] : [{ column, value, label: value === trueValue ? 0 : 1 }];
  });
  const against = votes.filter(({ label }) => label !== post.label);
  if (against.length === 0) return [];
  const detail = against.map(({ column, value }) => `${column} is ${value}`).join(', ');
  return [{ kind: 'label_meaning', detail, rows: [refer(post)] }];
}

/** Rows with the same value in the first column that names posts. */
function findRepeatedIds({ columns }: AuditInput, posts: readonly AuditedPost[]): Finding[] {
  const column = findIdColumn(columns);
  if (column === undefined) return [];
  const idOf = (i: number) => (posts[i] as AuditedPost).sample.row[column]?.trim() ?? '';
  const same = [...Map.groupBy(posts.keys(), idOf)].filter(([id, members]) => id !== '' && members.length > 1);
  return same.flatMap(([, members]) => splitUp(members, 'id', { posts, duplicates: null }));
}

function refer({ split, sample, label }: AuditedPost): RowReference {
  return { split, line: sample.line, label: labelNames[label], text: sample.text, image: sample.imagePath };
}

function findLikeness(posts: readonly AuditedPost[]): Finding[] {
  const duplicates = findDuplicates(posts);
  const findings = likenesses.flatMap((likeness) =>
    duplicates[likeness].shared().flatMap((members) => splitUp(members, likeness, { posts, duplicates })),
  );
  return [...findConflicts(posts, duplicates), ...findings];
}

const equality = { id: null, picture: null, near_picture: 'picture', text: null, near_text: 'text' } as const;

/** Alike posts as one overlap, when they are in several splits, and one duplicate per split with two of them. */
function splitUp(
  members: readonly number[],
  likeness: Likeness | 'id',
  { posts, duplicates }: { posts: readonly AuditedPost[]; duplicates: Duplicates | null },
): Finding[] {
  const exact = equality[likeness];
  // What is equal stands under its own kind.
  const isNews = (rows: readonly number[]) =>
    rows.length > 1 &&
    (exact === null || duplicates === null || new Set(rows.map((i) => duplicates[exact].leaderOf(i))).size > 1);
  const finding = (prefix: 'overlap' | 'duplicate', rows: readonly number[]): Finding => ({
    kind: `${prefix}_${likeness}`,
    detail: `${rows.length} posts`,
    rows: rows.map((i) => refer(posts[i] as AuditedPost)),
  });
  const bySplit = Map.groupBy(members, (i) => (posts[i] as AuditedPost).split);
  return [
    ...(bySplit.size > 1 && isNews(members) ? [finding('overlap', members)] : []),
    ...[...bySplit.values()].filter(isNews).map((rows) => finding('duplicate', rows)),
  ];
}

/** The same picture with the same words, and yet both labels. */
function findConflicts(posts: readonly AuditedPost[], { near_picture, text }: Duplicates): Finding[] {
  const isSound = ({ fault, sample }: InspectedPost) => fault === null && sample.text.trim() !== '';
  const sound = [...posts.keys()].filter((i) => isSound(posts[i] as AuditedPost));
  const same = Map.groupBy(sound, (i) => `${near_picture.leaderOf(i)} ${text.leaderOf(i)}`);
  return [...same.values()].flatMap((members): Finding[] => {
    const rows = members.map((i) => posts[i] as AuditedPost);
    if (new Set(rows.map(({ label }) => label)).size < 2) return [];
    return [{ kind: 'label_conflict', detail: `${rows.length} posts`, rows: rows.map(refer) }];
  });
}
