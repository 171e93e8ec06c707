import { readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';

/**
 * Calls `onChange` when the files of a folder differ from those at the last call and have stopped changing: a copy in progress is waited for,
 * and a link that points elsewhere is a change. The folder is polled, because file events do not reach every kind of volume.
 *
 * @returns a function that ends it
 */
export function watchArtifact(dir: string, intervalMs: number, onChange: () => void): () => void {
  let known: string | null = null;
  let last: string | null = null;
  const look = async () => {
    const now = await fingerprint(dir);
    known ??= now;
    if (now !== null && now !== known && now === last) {
      known = now;
      onChange();
    }
    last = now;
  };
  void look();
  const timer = setInterval(() => void look(), intervalMs);
  return () => clearInterval(timer);
}

/** Null while the folder cannot be read, as in the middle of an exchange. */
async function fingerprint(dir: string): Promise<string | null> {
  try {
    const place = await realpath(dir);
    const names = (await readdir(place)).toSorted();
    const files = await Promise.all(names.map((name) => stat(path.join(place, name))));
    const lines = files.map(({ size, mtimeMs, ino }, i) => `${names[i]} ${size} ${mtimeMs} ${ino}`);
    return [place, ...lines].join('\n');
  } catch {
    return null;
  }
}
