// HEIC, HEIF: libheif as WebAssembly, because sharp's own libvips leaves HEVC out for its patents.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Metadata } from 'sharp';
import type { Pixels } from '../image/resample.ts';
import type { KernelMemory } from '../instantiate.ts';

/** What is used of libheif-js: its functions by libheif's own names. Its classes would write on the console. */
interface Libheif {
  heif_context_alloc(): object;
  heif_context_read_from_memory(context: object, file: Uint8Array): Problem;
  heif_js_context_get_primary_image_handle(context: object): object & Partial<Problem>;
  heif_image_handle_get_width(handle: object): number;
  heif_image_handle_get_height(handle: object): number;
  heif_js_decode_image2(handle: object, colours: number, chroma: number): Decoded & Partial<Problem>;
  heif_error_Ok: number;
  heif_colorspace_RGB: number;
  heif_chroma_interleaved_RGB: number;
}
interface Problem {
  code: number;
  message: string;
}
interface Decoded {
  image: object;
  channels: { data: Uint8Array; width: number; height: number; stride: number }[];
}
type Make = (options: object) => Libheif;
interface Instance {
  exports: Record<string, unknown>;
}

// TypeScript declares it with the browser's types only.
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: object) => Instance;
  Memory: new () => KernelMemory;
};

/** Of the library's memory: what it starts with, and what it may take for each pixel and byte of a file. */
const memory = { base: 64 * 2 ** 20, perPixel: 14, perFileByte: 3, page: 2 ** 16 };

let compiled: object | null = null;

/** Compiled once; an instance is for one image, so that nothing of it stays behind. */
function compile(): object {
  const file = createRequire(import.meta.url).resolve('libheif-js/libheif-wasm/libheif.wasm');
  compiled ??= new WebAssembly.Module(readFileSync(file));
  return compiled;
}

async function openLibrary(mostBytes: () => number): Promise<Libheif> {
  const { default: make } = (await import('libheif-js/libheif-wasm/libheif.js')) as unknown as { default: Make };
  const instantiateWasm = (imports: object, receive: (instance: Instance) => void) => {
    const instance = new WebAssembly.Instance(compile(), imports);
    for (const exported of Object.values(instance.exports))
      if (exported instanceof WebAssembly.Memory) limitGrowth(exported, mostBytes);
    receive(instance);
    return instance.exports;
  };
  return make({ instantiateWasm, print: () => {}, printErr: () => {} });
}

/** A file whose pictures are larger than it says gets no more memory than it was weighed with. */
function limitGrowth(grown: KernelMemory, mostBytes: () => number): void {
  const grow = grown.grow.bind(grown);
  grown.grow = (pages) => {
    if (grown.buffer.byteLength + pages * memory.page > mostBytes()) throw new RangeError('too much memory');
    return grow(pages);
  };
}

/** The image that a viewer shows first, and its size. */
interface OpenedImage {
  lib: Libheif;
  handle: object;
  width: number;
  height: number;
}

async function withImage<T>(bytes: Uint8Array, work: (image: OpenedImage) => T): Promise<T> {
  let mostBytes = memory.base + memory.perFileByte * bytes.length;
  const lib = await openLibrary(() => mostBytes);
  const context = lib.heif_context_alloc();
  const read = lib.heif_context_read_from_memory(context, bytes);
  if (read.code !== lib.heif_error_Ok) throw new Error(read.message);
  const handle = requireWhole(lib.heif_js_context_get_primary_image_handle(context));
  const [width, height] = [lib.heif_image_handle_get_width(handle), lib.heif_image_handle_get_height(handle)];
  mostBytes += memory.perPixel * width * height;
  return work({ lib, handle, width, height }); // the instance goes as a whole
}

function requireWhole<T extends Partial<Problem>>(made: T | undefined): T {
  if (made && !made.code) return made;
  throw new Error(made?.message ?? 'a HEIF image that cannot be decoded: damaged, or larger than it says');
}

/** As sharp says it. */
export function readHeifHeader(bytes: Uint8Array): Promise<Metadata> {
  return withImage(bytes, ({ width, height }) => wholeHeader(width, height));
}

/** Of an image that is laid out whole, however large it is. */
export function wholeHeader(width: number, height: number): Metadata {
  const facts = { width, height, channels: 3, depth: 'uchar', space: 'srgb', hasAlpha: true, isProgressive: false };
  return facts as unknown as Metadata;
}

/** Upright: libheif turns by the file's own properties, and its EXIF orientation only says the same again. */
export function decodeHeif(bytes: Uint8Array): Promise<Pixels> {
  return withImage(bytes, ({ lib, handle }) => {
    const decoded = lib.heif_js_decode_image2(handle, lib.heif_colorspace_RGB, lib.heif_chroma_interleaved_RGB);
    const { data, width, height, stride } = requireWhole(decoded).channels[0] as Decoded['channels'][number];
    const rgb = new Uint8Array(3 * width * height);
    for (let row = 0; row < height; row++)
      rgb.set(data.subarray(row * stride, row * stride + 3 * width), 3 * width * row);
    return { data: rgb, width, height };
  });
}
