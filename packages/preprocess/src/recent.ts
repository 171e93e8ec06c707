/** Makes things by name and keeps those of late: pictures of a data set or of a camera need the same tables again and again. */
export function keepRecent<T>(limit: number): (name: string, make: () => T) => T {
  const kept = new Map<string, T>();
  return (name, make) => {
    const known = kept.get(name);
    if (known !== undefined) return known;
    const made = make();
    if (kept.size >= limit) kept.delete(kept.keys().next().value as string);
    kept.set(name, made);
    return made;
  };
}
