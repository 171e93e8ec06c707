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
  return new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(compiled, 'base64'))).exports as Kernels;
}
