/** How the bytes of a file of posts become text; `auto` is UTF-8, or UTF-16 where a byte order mark says so. */
export const encodings = ['auto', 'utf-8', 'latin1', 'utf-16le', 'utf-16be'] as const;

export type Encoding = (typeof encodings)[number];
