// Control, format (bidirectional overrides, zero width), surrogate and unassigned characters, and every separator but the space.
const unprintable = /[\p{C}\p{Zl}\p{Zp}]/gu;

/** Makes text of a client safe for one line of a log: what does not print becomes `\u{…}`, and the rest is cut at 200 characters. */
export function escapeForLog(text: string): string {
  const short = text.length > 200 ? `${text.slice(0, 200)}…` : text;
  return short.replaceAll(unprintable, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}
