import type { LabelId } from '@crosscheck/contract';
import { textOf } from './read-json.ts';

const fakeNames = new Set(['1', '1.0', 'true', 'fake', 'false news', 'hateful', 'falsified', 'misleading', 'satire']);
const realNames = new Set([
  '0',
  '0.0',
  'false',
  'real',
  'true news',
  'not-hateful',
  'not_hateful',
  'pristine',
  'genuine',
]);

/**
 * Our label for a source's own, whose positive class (1, true) is what `positiveClass` says; names speak for themselves.
 *
 * @returns null for a blank or unknown one
 */
export function parseLabel(value: unknown, positiveClass: 'fake' | 'real' = 'fake'): LabelId | null {
  const name = textOf(value).trim().toLowerCase();
  const isWord = /^(fake|real)$/.test(name);
  const label = fakeNames.has(name) ? 1 : realNames.has(name) ? 0 : null;
  if (label === null || isWord || positiveClass === 'fake') return label;
  return label === 1 ? 0 : 1;
}
