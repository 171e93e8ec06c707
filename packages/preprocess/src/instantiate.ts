// TypeScript declares it with the browser's types only.
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object) => { exports: unknown };
};

/** Memory of kernels; its buffer is another one after it grew. */
export interface KernelMemory {
  readonly buffer: ArrayBuffer;
  /** @param pages of 64 KiB */
  grow(pages: number): number;
}

/** Starts WebAssembly that a `wasm/build.ts` has compiled. @param compiled as base64 */
export function instantiate<Kernels extends { memory: KernelMemory }>(compiled: string): Kernels {
  return openKernels<Kernels>(compiled).current();
}

/** Kernels whose memory is given back when one piece of work made it large: WebAssembly's own can only grow. */
export interface OpenKernels<Kernels> {
  current(): Kernels;
  /** After a piece of work: starts afresh if it took more than `largestMemory`. */
  tidy(): void;
}

/** Bytes that idle kernels hold, at most. */
export const largestMemory = 16 * 2 ** 20;

export function openKernels<Kernels extends { memory: KernelMemory }>(compiled: string): OpenKernels<Kernels> {
  const module = new WebAssembly.Module(Buffer.from(compiled, 'base64'));
  const start = () => new WebAssembly.Instance(module).exports as Kernels;
  let kernels = start();
  return {
    current: () => kernels,
    tidy() {
      if (kernels.memory.buffer.byteLength > largestMemory) kernels = start();
    },
  };
}
