import type { Readable } from 'node:stream';
import type { ArtifactEntry, CallOptions } from '../types.ts';

/** What to upload: the path of a file (streamed), bytes, or text. */
export type ArtifactSource = string | Uint8Array | { text: string };

/** The files below one artifact URI. Paths are relative, with `/`. */
export interface ArtifactStore {
  readonly uri: string;
  upload(source: ArtifactSource, artifactPath: string, options?: CallOptions): Promise<void>;
  /** The bytes of one file; RESOURCE_DOES_NOT_EXIST when it is not there. */
  open(artifactPath: string): Promise<Readable>;
  /** One folder, not its subfolders; empty when it is not there. */
  list(artifactPath?: string): Promise<ArtifactEntry[]>;
}
