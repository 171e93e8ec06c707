/** Edits (insert, delete, replace, swap neighbours) that turn one word into the other. */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      const up = rows[i - 1] as number[];
      let best = Math.min((up[j] as number) + 1, (row[j - 1] as number) + 1, (up[j - 1] as number) + cost);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) best = Math.min(best, ((rows[i - 2] as number[])[j - 2] as number) + 1);
      row.push(best);
    }
    rows.push(row);
  }
  return (rows[a.length] as number[])[b.length] as number;
}

/** The candidate closest to `word`, when it is close enough to be a likely slip. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.min(Math.max(1, Math.floor(word.length / 3)), word.length - 1) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word, candidate);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

const lastPart = (path: string) => path.slice(path.lastIndexOf('.') + 1);
const initials = (name: string) =>
  name
    .split('_')
    .map((word) => word[0])
    .join('');

/** The closest of dotted keys: nearly the same path, else the same last part, else its initials (`lr`), else a similar last part. */
export function nearestKey(key: string, known: readonly string[]): string | undefined {
  const [last, parent] = [lastPart(key), key.slice(0, Math.max(0, key.lastIndexOf('.')))];
  const others = known.filter((candidate) => candidate !== key && !key.startsWith(`${candidate}.`));
  const whole = nearest(key, others);
  if (whole !== undefined && editDistance(key, whole) <= 2) return whole;
  const siblings = others.filter(
    (candidate) => candidate === (parent === '' ? lastPart(candidate) : `${parent}.${lastPart(candidate)}`),
  );
  const byInitials = (candidate: string) => last.length > 1 && initials(lastPart(candidate)) === last;
  const near = nearest(last, others.map(lastPart));
  return (
    others.find((candidate) => lastPart(candidate) === last) ??
    siblings.find(byInitials) ??
    others.find(byInitials) ??
    whole ??
    others.find((candidate) => lastPart(candidate) === near)
  );
}

/** The last part of a name with slashes is enough: `loss` → `val/loss`. */
export function nearestName(text: string, names: readonly string[]): string | undefined {
  const ofEnd = new Map(names.toReversed().map((name) => [name.slice(name.lastIndexOf('/') + 1), name]));
  return nearestKey(text, names) ?? ofEnd.get(nearest(text, [...ofEnd.keys()]) ?? text);
}
