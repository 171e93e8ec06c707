import { createRandom, type LabelId } from '@crosscheck/contract';
import type { Sample } from '@crosscheck/data';

export const ablationNames = ['textOnly', 'imageOnly', 'shuffled'] as const;
export type AblationName = (typeof ablationNames)[number];

/** Each ablation in the words of reports, and what it takes away. */
export const ablationWords: Readonly<Record<AblationName, { name: string; meaning: string }>> = {
  textOnly: { name: 'text only', meaning: 'every image is another post’s' },
  imageOnly: { name: 'image only', meaning: 'every text is another post’s' },
  shuffled: { name: 'pairs broken', meaning: 'images are exchanged within each label' },
};

/** A permutation without fixed points where there are at least two positions (Sattolo 1986). */
function derange(positions: readonly number[], random: { int(n: number): number }): number[] {
  const shuffled = [...positions];
  for (let i = shuffled.length - 1; i > 0; i--) {
    const j = random.int(i);
    [shuffled[i], shuffled[j]] = [shuffled[j] as number, shuffled[i] as number];
  }
  return shuffled;
}

type Part = 'text' | 'imagePath';

/** Which sample each sample borrows the part from: any other one that has it, or any other one of its own label. */
function donors(samples: readonly Sample[], part: Part, withinLabel: boolean, seed: number): number[] {
  const random = createRandom(seed, 'ablation', withinLabel ? 'within' : 'any');
  const all = samples.map((_, i) => i);
  const having = all.filter((i) => samples[i]?.[part] !== '');
  const groups = withinLabel
    ? ([0, 1, null] as (LabelId | null)[]).map((label) => having.filter((i) => samples[i]?.label === label))
    : [having];
  const donor = [...all];
  for (const group of groups) derange(group, random).forEach((from, i) => (donor[group[i] as number] = from));
  return donor;
}

/** Which part each ablation takes from another post, and from which. Fixed by the seed. */
export function planAblation(
  samples: readonly Sample[],
  name: AblationName,
  seed: number,
): { part: 'image' | 'text'; donors: Int32Array } {
  const part = name === 'imageOnly' ? 'text' : 'image';
  return { part, donors: Int32Array.from(donors(samples, partNames[part], name === 'shuffled', seed)) };
}

const partNames = { image: 'imagePath', text: 'text' } as const;

/** The samples with one part of each taken from another post that has it; labels stay. */
export function ablate(samples: readonly Sample[], name: AblationName, seed: number): Sample[] {
  const { part, donors: from } = planAblation(samples, name, seed);
  const key = partNames[part];
  return samples.map((sample, i) => ({ ...sample, [key]: samples[from[i] as number]?.[key] }));
}
