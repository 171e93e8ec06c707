import path from 'node:path';
import { readLedger } from '../download/ledger.ts';
import { computeSurvival } from '../download/survival.ts';
import { type InspectOptions, inspectPosts } from '../inspect/inspect-posts.ts';
import { type LimitProfile, sharedRowsOf } from '../split/profile.ts';
import { countClasses, measureDistributions } from './distributions.ts';
import { collectFindings } from './findings.ts';
import { findPropertyLeaks } from './leaks/properties.ts';
import { findWordLeak } from './leaks/words.ts';
import { type AuditFacts, checkLimits, type Limit, type LimitName } from './limits.ts';
import { type AuditedPost, type AuditSource, readSplits } from './posts.ts';
import { type ChosenProfile, chooseProfile } from './profile.ts';

export interface AuditOptions {
  source: AuditSource;
  inspect?: InspectOptions;
  /** What kind of data the limits are for; null = what `pnpm data:split` noted, else `default`. */
  profile?: LimitProfile | null;
  /** Instead of those of the profile in `limitTable`; negative = none. */
  limits?: Partial<Record<LimitName, number>>;
  /** Ledger of a download; null = `ledger.jsonl` in the root folder, where there is one. */
  ledger?: string | null;
}

export interface AuditReport extends AuditFacts {
  profile: ChosenProfile;
  limits: Limit[];
}

/**
 * Examines the splits of a data set: faulty rows and pictures, duplicates within and across splits, words and properties that give
 * the label away, class balance, survival of the download. Reads only.
 *
 * @throws CROSSCHECK_DATA_NOT_FOUND, CROSSCHECK_DATA_MISSING_COLUMN, CROSSCHECK_DATA_NO_SAMPLES, CROSSCHECK_DATA_BROKEN_CSV
 */
export async function auditData(options: AuditOptions): Promise<AuditReport> {
  const { source, inspect, limits, ledger = null } = options;
  const input = await readSplits(source);
  const profile = await chooseProfile(options.profile ?? null, source.rootDir, input.files);
  const inspected = await inspectPosts(input.samples, { sharedRows: sharedRowsOf[profile.name], ...inspect });
  const posts = inspected.flatMap((post): AuditedPost[] =>
    post.sample.label === null ? [] : [{ ...post, label: post.sample.label }],
  );
  const entries = await readLedger(ledger ?? path.join(source.rootDir, 'ledger.jsonl'));
  const facts: AuditFacts = {
    files: input.files,
    notes: input.notes,
    classes: countClasses(posts, Object.keys(input.samples)),
    findings: collectFindings(input, posts),
    words: findWordLeak(posts),
    properties: findPropertyLeaks(posts, input.columns),
    distributions: measureDistributions(posts),
    survival: entries.length > 0 ? computeSurvival(entries) : null,
  };
  return { ...facts, profile, limits: checkLimits(facts, profile.name, limits) };
}
