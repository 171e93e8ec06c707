import { createRandom, type LabelId } from '@crosscheck/contract';
import type { Sample } from '@crosscheck/data';

export const ablationNames = ['textOnly', 'imageOnly', 'shuffled'] as const;
export type AblationName = (typeof ablationNames)[number];

/** What each ablation takes away, in the words of reports. */
export const ablationMeaning: Readonly<Record<AblationName, string>> = {
  textOnly: "words only (every picture is another post's)",
  imageOnly: "picture only (every caption is another post's)",
  shuffled: 'pairs broken (pictures exchanged among posts of the same label)',
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

/** The samples with one part of each taken from another post that has it; labels stay. Fixed by the seed. */
export function ablate(samples: readonly Sample[], name: AblationName, seed: number): Sample[] {
  const part: Part = name === 'imageOnly' ? 'text' : 'imagePath';
  const donor = donors(samples, part, name === 'shuffled', seed);
  return samples.map((sample, i) => ({ ...sample, [part]: samples[donor[i] as number]?.[part] }));
}
