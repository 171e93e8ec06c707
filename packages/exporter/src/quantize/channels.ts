// Symmetric int8 per output channel: value ≈ scale[channel] · q, q in −127 … 127.

/** How a weight's values are spread over its output channels. */
export interface ChannelLayout {
  channels: number;
  channelOf: (index: number) => number;
}

/** Channels are the first axis: convolutions [out, in/groups, k, k]. */
export function firstAxis(shape: readonly number[]): ChannelLayout {
  const [channels, ...rest] = shape as [number];
  const perChannel = rest.reduce((product, size) => product * size, 1);
  return { channels, channelOf: (index) => Math.floor(index / perChannel) };
}

/** Channels are the last axis: matrices [in, out]. */
export function lastAxis(shape: readonly number[]): ChannelLayout {
  const channels = shape.at(-1) as number;
  return { channels, channelOf: (index) => index % channels };
}

/** The largest magnitude of every channel over 127; 1 where a channel is all zeros. */
export function channelScales(values: Float32Array, { channels, channelOf }: ChannelLayout): Float32Array {
  const largest = new Float32Array(channels);
  for (let i = 0; i < values.length; i++) {
    const channel = channelOf(i);
    largest[channel] = Math.max(largest[channel] as number, Math.abs(values[i] as number));
  }
  return largest.map((magnitude) => (magnitude === 0 ? 1 : magnitude / 127));
}

/** Rounded to the nearest step. */
export function quantizeChannels(values: Float32Array, scales: Float32Array, { channelOf }: ChannelLayout): Int8Array {
  const quantized = new Int8Array(values.length);
  for (let i = 0; i < values.length; i++) {
    quantized[i] = Math.round((values[i] as number) / (scales[channelOf(i)] as number));
  }
  return quantized;
}
