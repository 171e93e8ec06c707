/** What the process of the candidate is told, first of all. */
export interface ShadowStart {
  type: 'start';
  artifact: string;
  deadlineMs: number;
  maxPixels: number;
  maxDecodedBytes: number;
  graphCache: boolean;
}

/** A post to judge. */
export interface ShadowPost {
  type: 'post';
  id: number;
  text: string;
  image: Uint8Array | null;
}

export type ShadowOrder = ShadowStart | ShadowPost;

/** What it answers. */
export type ShadowReport =
  | { type: 'ready'; model: { name: string; version: string; precision: string } }
  | { type: 'unloadable'; code: string; message: string }
  | { type: 'judged'; id: number; prediction: string; probabilityFake: number; ms: number }
  | { type: 'failed'; id: number; code: string };
