import { addOuterProducts } from './static/gptq.ts';

/** Places of each map that are looked at. */
const placesPerMap = 24;

/** How the channels of maps go together: Σ x · xᵀ over places of the calibration posts. */
export interface Products {
  see(value: string, map: Float32Array): void;
  /** [C, C], lower triangle. */
  of(value: string): Float64Array;
}

/** @param wanted values and their channels */
export function openProducts(wanted: readonly (readonly [value: string, channels: number])[]): Products {
  const sums = new Map(wanted.map(([value, channels]) => [value, { channels, gram: new Float64Array(channels ** 2) }]));
  return {
    see(value, map) {
      const sum = sums.get(value);
      if (sum) addOuterProducts(sum.gram, samplePlaces(map, sum.channels), sum.channels);
    },
    of: (value) => (sums.get(value) as { gram: Float64Array }).gram,
  };
}

/** [C, places] → [n, C], n places at equal distances. */
function samplePlaces(map: Float32Array, channels: number): Float32Array {
  const places = map.length / channels;
  const taken = Math.min(placesPerMap, places);
  const rows = new Float32Array(taken * channels);
  for (let n = 0; n < taken; n++) {
    const place = Math.floor(((n + 0.5) * places) / taken);
    for (let c = 0; c < channels; c++) rows[n * channels + c] = map[c * places + place] as number;
  }
  return rows;
}
