/** Shorter ones, as in `loss.name`, say little alone. */
const shortest = 6;

/** Dotted keys by as few of their last parts as tell them apart: `frozen.learning_rate` and `dropout_rate`. */
export function shortNames(keys: readonly string[]): Map<string, string> {
  return new Map(keys.map((key) => [key, shorten(key, keys)]));
}

function shorten(key: string, keys: readonly string[]): string {
  const parts = key.replace(/^\+{1,2}/, '').split('.');
  for (let count = 1; count < parts.length; count++) {
    const name = parts.slice(-count).join('.');
    if (name.length < shortest) continue;
    if (keys.filter((other) => `.${other.replace(/^\+{1,2}/, '')}`.endsWith(`.${name}`)).length === 1) return name;
  }
  return parts.join('.');
}
