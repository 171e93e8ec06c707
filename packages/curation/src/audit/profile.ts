import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type LimitProfile, limitProfiles } from '../split/profile.ts';
import { type SplitSummary } from '../split/split-data.ts';
import type { AuditedFile } from './posts.ts';

/** Whose limits hold, and who said so. */
export interface ChosenProfile {
  name: LimitProfile;
  source: 'given' | 'split.json' | 'usual';
}

/** The profile that was asked for; else the one that `pnpm data:split` noted, as long as the splits are as it wrote them. */
export async function chooseProfile(
  given: LimitProfile | null,
  rootDir: string,
  files: readonly AuditedFile[],
): Promise<ChosenProfile> {
  if (given !== null) return { name: given, source: 'given' };
  const noted = await readNote(path.join(rootDir, 'split.json'));
  const isAsWritten = files.every(({ split, digest }) => noted?.splits?.[split]?.sha256 === digest);
  const name = isAsWritten ? limitProfiles.find((profile) => profile === noted?.profile) : undefined;
  return name === undefined ? { name: 'default', source: 'usual' } : { name, source: 'split.json' };
}

const sources = { given: 'asked for', 'split.json': 'noted by data:split', usual: 'the usual ones' };

/** In a few words. */
export function describeProfile({ name, source }: ChosenProfile): string {
  return `profile=${name} (${sources[source]})`;
}

async function readNote(file: string): Promise<Partial<SplitSummary> | null> {
  const text = await readFile(file, 'utf8').catch(() => null);
  if (text === null) return null;
  try {
    return JSON.parse(text) as Partial<SplitSummary> | null;
  } catch {
    return null;
  }
}
