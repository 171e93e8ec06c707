import type { DataType, Initializer } from '@crosscheck/network';

/** Where an initializer's bytes stand: in the graph file or at an offset of the data file. */
export type Placement = { inline: Uint8Array } | { location: string; offset: number; length: number };

const bytesPerElement: Record<DataType, number> = { float32: 4, uint8: 1, int8: 1, int32: 4, int64: 8, float16: 2 };

export function byteLength(initializer: Initializer): number {
  return initializer.shape.reduce((product, size) => product * size, bytesPerElement[initializer.type]);
}
