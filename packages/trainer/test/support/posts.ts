import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { generateDemo } from '@crosscheck/demo';
import { temporaryFolder } from '@crosscheck/testkit';
import { onTestFinished } from 'vitest';

/** 64 training posts, 32 to validate on, 32 to test on. */
export async function makePosts(dir: string): Promise<string> {
  await generateDemo({ dir, train: 64, val: 32, test: 32, imageSize: 64 });
  return dir;
}

/** A copy of some posts that a test may damage. */
export function copyPosts(from: string): string {
  const dir = testFolder();
  cpSync(from, dir, { recursive: true });
  return dir;
}

/** An empty folder that goes when the test ends. */
export function testFolder(): string {
  const { dir, remove } = temporaryFolder();
  onTestFinished(remove);
  return dir;
}

/** Rewrites one line of a file; lines count from 1. */
export function editLine(file: string, line: number, edit: (text: string) => string): void {
  const lines = readFileSync(file, 'utf8').split('\n');
  lines[line - 1] = edit(lines[line - 1] ?? '');
  writeFileSync(file, lines.join('\n'));
}

export const trainCsv = (dir: string): string => path.join(dir, 'train.csv');
