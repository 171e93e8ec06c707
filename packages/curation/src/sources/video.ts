import { execFile } from 'node:child_process';
import type { Dirent } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { CrosscheckError, messageOf } from '@crosscheck/contract';
import { makeTemporaryFolder } from '@crosscheck/files';
import type { SourcePost } from './write-source.ts';

const run = promisify(execFile);

/** Fails early and clearly where ffmpeg is not installed. @throws CROSSCHECK_DATA_FFMPEG_MISSING */
export async function requireFfmpeg(ffmpeg = 'ffmpeg', ffprobe = 'ffprobe'): Promise<void> {
  for (const tool of [ffmpeg, ffprobe]) {
    await run(tool, ['-version']).catch((cause: unknown) => {
      const message = `expected ${tool} for reading videos, got ${messageOf(cause).split('\n')[0]}; install it (Debian: apt-get install ffmpeg)`;
      throw new CrosscheckError('CROSSCHECK_DATA_FFMPEG_MISSING', message, { cause });
    });
  }
}

/**
 * Frames at equal distances, the first and last in the middle of their parts: frame i of n at (i + ½) / n of the length.
 *
 * @returns JPEG bytes and times in seconds
 * @throws CROSSCHECK_DATA_VIDEO_UNREADABLE
 */
export async function sampleFrames(video: string, count: number): Promise<{ seconds: number; bytes: Buffer }[]> {
  const length = await readLength(video);
  const dir = makeTemporaryFolder('frames');
  try {
    const frames = [];
    for (let i = 0; i < count; i++) {
      const seconds = ((i + 0.5) / count) * length;
      const file = path.join(dir, `${i}.jpg`);
      const seek = ['-v', 'error', '-nostdin', '-ss', seconds.toFixed(3), '-i', video];
      await run('ffmpeg', [...seek, '-frames:v', '1', '-q:v', '2', '-y', file]).catch((cause: unknown) => {
        throw unreadable(video, cause);
      });
      // A seek beyond the last frame of a short video gives none.
      const bytes = await readFile(file).catch(() => null);
      if (bytes) frames.push({ seconds, bytes });
    }
    if (frames.length === 0) throw unreadable(video, 'no frame');
    return frames;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function readLength(video: string): Promise<number> {
  const ask = ['-v', 'error', '-select_streams', 'v:0', '-show_entries', 'format=duration', '-of', 'csv=p=0', video];
  const { stdout } = await run('ffprobe', ask).catch((cause: unknown) => {
    throw unreadable(video, cause);
  });
  const seconds = Number.parseFloat(stdout);
  if (!(seconds > 0)) throw unreadable(video, `length "${stdout.trim()}"`);
  return seconds;
}

function unreadable(video: string, cause: unknown): CrosscheckError {
  const message = `expected a video with a length and frames, got ${messageOf(cause).split('\n').at(-2) ?? messageOf(cause)} (${video})`;
  return new CrosscheckError('CROSSCHECK_DATA_VIDEO_UNREADABLE', message, { cause });
}

export const videoEnding: RegExp = /\.(mp4|mov|m4v|webm|mkv|avi)$/i;

/**
 * The video in a folder, for layouts with one folder per video.
 *
 * @throws CROSSCHECK_DATA_AMBIGUOUS_IMAGE when there are several
 */
export async function findVideo(place: string): Promise<string> {
  if (videoEnding.test(place)) return place;
  const entries = await readdir(place, { withFileTypes: true }).catch(() => []);
  const isVideo = (entry: Dirent) => !entry.name.startsWith('.') && videoEnding.test(entry.name);
  const names = entries.filter((entry) => isVideo(entry) && !entry.isDirectory()).map(({ name }) => name);
  if (names.length <= 1) return path.join(place, names[0] ?? 'video.mp4');
  const message = `expected one video in ${place}, got ${names.sort().slice(0, 3).join(', ')}; name the right one in the file of posts`;
  throw new CrosscheckError('CROSSCHECK_DATA_AMBIGUOUS_IMAGE', message);
}

/** One post per frame, all with the caption of the video; a video that cannot be read gives one post without a picture. */
export async function framesOf(post: SourcePost, count: number): Promise<SourcePost[]> {
  if (typeof post.picture !== 'string') return [{ ...post, columns: { ...post.columns, video_id: post.id } }];
  const video = await findVideo(post.picture);
  const shared = { ...post, columns: { ...post.columns, video_id: post.id } };
  const frames = await sampleFrames(video, count).catch((error: unknown) => {
    if (error instanceof CrosscheckError) return null;
    throw error;
  });
  if (frames === null) return [{ ...shared, picture: null, detail: `${video} has no frames that can be read` }];
  return frames.map(({ seconds, bytes }, i) => ({
    ...shared,
    id: `${post.id}-${i}`,
    picture: bytes,
    columns: { ...shared.columns, frame: i, seconds: Number(seconds.toFixed(3)) },
  }));
}
