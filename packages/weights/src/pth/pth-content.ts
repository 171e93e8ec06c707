import type { PickledStorage } from './pickle-globals.ts';

/** What one of the two layouts of `torch.save` gives: the unpickled value, and the storages' bytes on demand. */
export interface PthContent {
  readonly value: unknown;
  readStorage(storage: PickledStorage, range: readonly [start: number, length: number]): Promise<Uint8Array>;
}
