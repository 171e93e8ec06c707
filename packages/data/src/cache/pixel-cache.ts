import { mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { messageOf } from '@crosscheck/contract';
import { makeRoom, markUsed, readSealed, sha256Of, writeSealed } from '@crosscheck/files';
import { decoderVersion, readImageFileSync } from '@crosscheck/preprocess';

/** Where decoded pictures are kept, for this run and for later ones. Several runs may share a folder. */
export interface PixelCacheOptions {
  dir: string;
  /** The oldest pictures go when there are more bytes; those of the runs under way stay. At least 16 pictures, or none is kept. */
  maxBytes: number;
}

/** What decides the pixels besides the file. */
export interface PixelSettings {
  size: number;
  maxPixels: number;
}

/** Decoded pictures on disk, as one thread sees them. Nothing in here throws: what cannot be kept is decoded again. */
export interface PixelCache {
  /** @returns [S, S, 3] uint8, or null: decode `bytes`, the file's content, or the file itself where there is none */
  find(file: string): { pixels: Uint8Array | null; keep(pixels: Uint8Array): void; bytes: Uint8Array | null };
  /** What went wrong since the last call, for people. */
  takeWarnings(): string[];
}

/** One folder for each first digit of a key: a sixteenth of the pictures, and of the room. */
const folders = 16;

export function openPixelCache({ dir, maxBytes }: PixelCacheOptions, settings: PixelSettings): PixelCache {
  const warnings: string[] = [];
  const keyOf = createKeys(settings);
  const pictures = openFolders(maxBytes);
  let isWritable = true;
  const read = (file: string) => {
    const found = readSealed(file, settings.size ** 2 * 3);
    if (found === 'damaged') warnings.push(`${file} is damaged; its picture is decoded again`);
    if (!(found instanceof Uint8Array)) return null;
    pictures.touch(file);
    return found;
  };
  const keep = (file: string, pixels: Uint8Array) => {
    try {
      if (isWritable && pictures.hasRoom(file, pixels.length)) writeSealed(file, pixels);
    } catch (error) {
      isWritable = false;
      // Without the path in it, so that every thread says the same.
      const reason = (error as NodeJS.ErrnoException).code ?? messageOf(error);
      warnings.push(`decoded pictures cannot be kept in ${dir} (${reason}); see data.pixel_cache.dir`);
    }
  };
  return {
    find(source) {
      const { key, bytes } = keyOf(source);
      if (key === null) return { pixels: null, keep: () => {}, bytes };
      const file = path.join(dir, key.slice(0, 1), key.slice(1));
      const pixels = read(file);
      return { pixels, keep: (decoded) => keep(file, decoded), bytes };
    },
    takeWarnings: () => warnings.splice(0),
  };
}

/** Keys are sha256 over the file's content and everything else that decides the pixels. A file is read again when its size or time changed. */
function createKeys({ size, maxPixels }: PixelSettings) {
  const prefix = `${decoderVersion}\n${size}\n${maxPixels}\n`;
  const known = new Map<string, { key: string; size: number; changed: number }>();
  return (file: string): { key: string | null; bytes: Uint8Array | null } => {
    try {
      const { size: length, mtimeMs: changed } = statSync(file);
      const seen = known.get(file);
      if (seen?.size === length && seen.changed === changed) return { key: seen.key, bytes: null };
      const bytes = readImageFileSync(file);
      const key = sha256Of(prefix, bytes);
      known.set(file, { key, size: length, changed });
      return { key, bytes };
    } catch {
      return { key: null, bytes: null }; // whoever decodes it will say what is wrong
    }
  };
}

/** Keeps each of the folders within its share of the bytes. */
function openFolders(maxBytes: number) {
  const opened = Date.now();
  const share = maxBytes / folders;
  const rooms = new Map<string, { bytes: number; isFull: boolean }>();
  const used = new Set<string>();
  return {
    /** Once in a run is enough. */
    touch(file: string): void {
      if (used.has(file)) return;
      used.add(file);
      markUsed(file);
    },
    hasRoom(file: string, bytes: number): boolean {
      const folder = path.dirname(file);
      const room = rooms.get(folder) ?? { bytes: 0, isFull: bytes > share };
      rooms.set(folder, room);
      if (room.bytes < bytes && !room.isFull) {
        mkdirSync(folder, { recursive: true });
        const free = makeRoom(folder, bytes, { maxBytes: share, usedSince: opened });
        // Others may write here too: look again after a while.
        room.bytes = Math.min(free, Math.max(bytes, share / 16));
        room.isFull = free < bytes;
      }
      if (room.isFull) return false;
      room.bytes -= bytes;
      return true;
    },
  };
}
