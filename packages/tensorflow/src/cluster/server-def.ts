// tensorflow.ServerDef (tensorflow/core/protobuf/tensorflow_server.proto), of which a worker needs little.

type Bytes = number[];

function varint(value: number): Bytes {
  const low = value & 127;
  return value < 128 ? [low] : [low | 128, ...varint(Math.floor(value / 128))];
}

const number = (field: number, value: number): Bytes => [...varint(field << 3), ...varint(value)];

function bytes(field: number, value: string | Bytes): Bytes {
  const content = typeof value === 'string' ? [...Buffer.from(value)] : value;
  return [...varint((field << 3) | 2), ...varint(content.length), ...content];
}

/** TensorFlow's name of a worker. */
export const taskName = (rank: number): string => `/job:worker/replica:0/task:${rank}`;

/** The definition of one worker's server; it listens on the port of its own address, on all interfaces. */
export function serverDef(addresses: readonly string[], rank: number, { nccl }: { nccl: boolean }): Uint8Array {
  const tasks = addresses.flatMap((address, i) => bytes(2, [...number(1, i), ...bytes(2, address)]));
  const cluster = bytes(1, [...bytes(1, 'worker'), ...tasks]);
  const experimental = [...bytes(1, taskName(0)), ...(nccl ? number(7, 1) : [])]; // collective_group_leader, collective_nccl
  const config = bytes(16, experimental);
  return Uint8Array.from([
    ...bytes(1, cluster),
    ...bytes(2, 'worker'),
    ...number(3, rank),
    ...bytes(4, config),
    ...bytes(5, 'grpc'),
  ]);
}
