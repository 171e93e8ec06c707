import type { SurvivalReport } from '../download/survival.ts';
import { type LimitProfile, mostRepeats } from '../split/profile.ts';
import type { ClassCounts, Distribution } from './distributions.ts';
import type { Finding, FindingKind } from './findings.ts';
import { type PropertyLeak, sureLiftOf } from './leaks/properties.ts';
import type { WordLeak } from './leaks/words.ts';
import type { AuditedFile } from './posts.ts';

/** What was found, before it is held against limits. */
export interface AuditFacts {
  files: AuditedFile[];
  /** What should be said of them before anything else. */
  notes: string[];
  classes: ClassCounts[];
  findings: Finding[];
  words: WordLeak;
  /** Text and picture properties and further columns, the most telling first. */
  properties: PropertyLeak[];
  distributions: Distribution[];
  /** Null when nothing is known of rows that were lost before. */
  survival: SurvivalReport | null;
}

/** A named number with the most that is tolerated. */
export interface Limit {
  name: LimitName;
  what: string;
  value: number;
  /** Null: not limited. */
  limit: number | null;
  isBroken: boolean;
  /** A count instead of a share. */
  isCount: boolean;
}

type Measure = (facts: AuditFacts) => number;

/** Share of all rows that findings of these kinds are about. */
const shareOf =
  (...kinds: FindingKind[]): Measure =>
  ({ findings, files }) => {
    const rows = findings.filter(({ kind }) => kinds.includes(kind)).flatMap((finding) => finding.rows);
    const distinct = new Set(rows.map(({ split, line }) => `${split}:${line}`));
    return (
      distinct.size /
      Math.max(
        1,
        files.reduce((sum, file) => sum + file.rows, 0),
      )
    );
  };

/** Share of the rows outside the first split that are also in another split. */
const overlapOf =
  (...kinds: FindingKind[]): Measure =>
  ({ findings, files }) => {
    const [first, ...others] = files;
    const rows = findings.filter(({ kind }) => kinds.includes(kind)).flatMap((finding) => finding.rows);
    const distinct = new Set(
      rows.filter(({ split }) => split !== first?.split).map(({ split, line }) => `${split}:${line}`),
    );
    return (
      distinct.size /
      Math.max(
        1,
        others.reduce((sum, file) => sum + file.rows, 0),
      )
    );
  };

interface LimitEntry {
  limit: number;
  what: string;
  measure: Measure;
  /** In profiles that have another limit. */
  profiles?: Partial<Record<LimitProfile, number>>;
}

/** Every limit with its default. Shares are of rows. */
export const limitTable = {
  unusable: { limit: 0, what: 'share of rows that cannot be read', measure: shareOf('unusable_row') },
  missing: { limit: 0, what: 'share of rows without their picture', measure: shareOf('missing_picture') },
  unreadable: { limit: 0, what: 'share of rows with a damaged picture', measure: shareOf('unreadable_picture') },
  tiny: {
    limit: 0.01,
    what: 'share of rows with a tiny or one-coloured picture',
    measure: shareOf('tiny_picture', 'flat_picture'),
  },
  placeholder: {
    limit: 0,
    what: 'share of rows with a placeholder for a picture',
    measure: shareOf('placeholder_picture'),
  },
  blank: { limit: 0.01, what: 'share of rows without words', measure: shareOf('blank_text') },
  label_meaning: {
    limit: 0,
    what: "share of rows whose label contradicts Fakeddit's own columns",
    measure: shareOf('label_meaning'),
  },
  conflict: { limit: 0, what: 'share of rows whose twin has the other label', measure: shareOf('label_conflict') },
  overlap_id: {
    limit: 0,
    what: 'share of evaluation rows whose id is in another split',
    measure: overlapOf('overlap_id'),
  },
  overlap_picture: {
    limit: 0,
    what: 'share of evaluation rows whose picture, or nearly so, is in another split',
    measure: overlapOf('overlap_picture', 'overlap_near_picture'),
  },
  overlap_text: {
    limit: 0,
    what: 'share of evaluation rows whose words are in another split',
    measure: overlapOf('overlap_text'),
    profiles: { out_of_context: -1 },
  },
  overlap_near_text: {
    limit: 0.05,
    what: 'share of evaluation rows whose words, nearly so, are in another split',
    measure: overlapOf('overlap_near_text'),
    profiles: { out_of_context: -1 },
  },
  duplicate: {
    limit: mostRepeats,
    what: 'share of rows that repeat a picture or the words of their split',
    measure: shareOf('duplicate_picture', 'duplicate_near_picture', 'duplicate_text'),
    profiles: { out_of_context: -1 },
  },
  class_gap: {
    limit: 0.1,
    what: 'largest difference between splits in their share of FAKE, beyond what a single post makes',
    measure: ({ classes }) => {
      const counted = classes.filter(({ real, fake }) => real + fake > 0);
      const ends = counted.map(({ shareFake, real, fake }) => ({ shareFake, step: 1 / (real + fake) }));
      const gaps = ends.flatMap((a) => ends.map((b) => a.shareFake - b.shareFake - Math.max(a.step, b.step)));
      return Math.max(0, ...gaps);
    },
  },
  majority: {
    limit: 0.9,
    what: 'share of the commoner class',
    measure: ({ classes }) => {
      const fake = classes.reduce((sum, row) => sum + row.fake, 0);
      const all = classes.reduce((sum, row) => sum + row.fake + row.real, 0);
      return all === 0 ? 0 : Math.max(fake, all - fake) / all;
    },
  },
  survival_gap: {
    limit: 0.05,
    what: 'difference of the classes in kept rows',
    measure: ({ survival }) => survival?.gap ?? 0,
  },
  word_lift: {
    limit: 0.35,
    what: 'accuracy of a bag of words above the best constant guess, lower end of its 95 % interval',
    measure: ({ words }) => Math.max(0, sureLiftOf(words.bagOfWords)),
  },
  revealed: {
    limit: 0.05,
    what: 'share of posts with a word that gives the label away',
    measure: ({ words }) => words.revealed,
  },
  property_lift: {
    limit: 0.15,
    what: 'the same for the most telling size, length or file type',
    measure: ({ properties }) => Math.max(0, ...properties.filter(({ kind }) => kind === 'property').map(sureLiftOf)),
  },
  leaking_columns: {
    limit: -1,
    what: 'columns that must not be features',
    measure: ({ properties }) => properties.filter(({ kind, reason }) => kind === 'column' && reason !== null).length,
  },
} as const satisfies Record<string, LimitEntry>;

export type LimitName = keyof typeof limitTable;

/** Holds the facts against the limits of a profile, or those given; a negative limit is none. */
export function checkLimits(
  facts: AuditFacts,
  profile: LimitProfile,
  limits: Partial<Record<LimitName, number>> = {},
): Limit[] {
  return Object.entries<LimitEntry>(limitTable).map(([key, { what, measure, limit: usual, profiles }]) => {
    const name = key as LimitName;
    const value = measure(facts);
    const given = limits[name] ?? profiles?.[profile] ?? usual;
    const limit = given < 0 ? null : given;
    return {
      name,
      what,
      value,
      limit,
      isBroken: limit !== null && value > limit + 1e-12,
      isCount: name === 'leaking_columns',
    };
  });
}
