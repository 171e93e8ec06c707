import { CrosscheckError } from '@crosscheck/contract';
import { findOverlap } from '@crosscheck/curation';
import { type Manifest, type Sample } from '@crosscheck/data';

const SHOWN = 3;

/**
 * Stops a run whose splits share posts, the same picture with the same words: what is learnt by heart would count as understood. Shared
 * pictures or words alone are named only, because pairs may be mismatched on purpose.
 *
 * @throws CROSSCHECK_DATA_OVERLAP
 */
export async function checkOverlap(
  manifests: Readonly<Record<string, Pick<Manifest, 'samples'>>>,
  onOverlap: 'error' | 'warn' | 'ignore',
  say: (line: string) => void,
): Promise<void> {
  if (onOverlap === 'ignore') return;
  const splits = Object.fromEntries(Object.entries(manifests).map(([name, { samples }]) => [name, samples]));
  const { posts, pictures, texts } = await findOverlap(splits);
  const names = Object.keys(splits).join(' and ');
  if (posts.length > 0) {
    const message = `expected ${names} without common posts, got ${posts.length} with the same picture and words in both: ${describe(posts)}`;
    if (onOverlap === 'warn') say(message);
    else throw overlapError(message);
  }
  const alone = pictures.length + texts.length - 2 * posts.length;
  if (alone > 0)
    say(`${names} share ${pictures.length} pictures and ${texts.length} texts; \`pnpm data:audit\` shows which`);
}

function describe(groups: readonly Sample[][]): string {
  const shown = groups.slice(0, SHOWN).map((rows) => rows.map(({ file, line }) => `${file}:${line}`).join(' = '));
  return `${shown.join(', ')}${groups.length > SHOWN ? ', …' : ''}`;
}

function overlapError(message: string): CrosscheckError {
  return new CrosscheckError(
    'CROSSCHECK_DATA_OVERLAP',
    `${message}; divide them anew with \`pnpm data:split\`, or accept it with data.on_overlap=warn`,
  );
}
